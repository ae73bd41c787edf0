"""Embeddings are kept by what they follow from, noticed where damaged, and never somebody else's."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sar_models import infer, model, pixels
from tasks import paths
from tasks.evaluate import embeddings
from tasks.evaluate.embeddings import Embedder
from tasks.params import Params

PICTURES = [np.random.default_rng(number).integers(0, 255, (30, 30, 1), dtype=np.uint8) for number in range(5)]
PLACES = [{"sha256": str(number), "channels": None, "low": [0.0], "high": [255.0]} for number in range(5)]
TEXTS = ["one ship", "two bridges"]


def clip(seed: int = 1) -> model.Model:
    return model.initial("clip", architecture="sar_clip_tiny", seed=seed)


def shown(of: model.Model) -> list[np.ndarray]:
    return [pixels.resize(each, size_px=of.image_size_px) for each in PICTURES]


def unexpected() -> list[np.ndarray]:
    raise AssertionError("they were kept already")


def kept() -> list[Path]:
    return sorted((paths.state() / "embeddings").glob("*/rows.npy"))


def test_they_are_the_models_own_and_computed_once(project: Params) -> None:
    of = clip()
    first = Embedder(of, params=project).images(PLACES, lambda: shown(of))
    expected = infer.embed_images(of, PICTURES, hardware=project.hardware, batch_size=project.evaluate.batch_size)
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(Embedder(clip(), params=project).images(PLACES, unexpected), expected)
    texts = Embedder(of, params=project).texts(TEXTS)
    assert texts.shape == (2, 128)
    assert len(kept()) == 2


def test_what_would_give_other_numbers_is_computed_anew(project: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(of: model.Model, *, params: Params = project, places: list = PLACES, how: str = "") -> None:
        Embedder(of, params=params).images(places, lambda: shown(of), how=how)

    embed(clip())
    embed(clip(seed=2))
    nudged = clip()
    with torch.no_grad():
        next(iter(nudged.module.parameters())).view(-1)[0] += 1e-6
    embed(nudged)
    embed(dataclasses.replace(clip(), mean=(0.5, 0.5, 0.5)))
    embed(clip(), how="speckle_looks 4 7")
    embed(clip(), places=[*PLACES[:4], PLACES[4] | {"sha256": "other"}])
    embed(clip(), places=[*PLACES[:4], PLACES[4] | {"high": [254.0]}])
    embed(clip(), params=dataclasses.replace(project, hardware=dataclasses.replace(project.hardware, precision="bf16")))
    assert len(kept()) == 8
    monkeypatch.setattr(embeddings, "code", lambda: ["another version"])
    embed(clip())
    assert len(kept()) == 9


@pytest.mark.parametrize("damage", [lambda data: data[:-4], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_a_damaged_file_is_made_again(project: Params, damage, capsys: pytest.CaptureFixture[str]) -> None:
    of = clip()
    whole = Embedder(of, params=project).images(PLACES, lambda: shown(of))
    (path,) = kept()
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(Embedder(of, params=project).images(PLACES, lambda: shown(of)), whole)
    assert "is damaged: it is built again" in capsys.readouterr().err


def test_the_code_in_between_is_all_there() -> None:
    assert len(embeddings.code()) > 15
