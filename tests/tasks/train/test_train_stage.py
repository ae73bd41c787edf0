"""Both training stages on a project of forty tiny pictures."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from train_world import TRAINING, KilledError, kill_at_step

from sar_models import model
from tasks import params, paths, records
from tasks.train.stage import train_model


def silent(metrics: Any, step: int) -> None:
    pass


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_two_stages(kind: str, project: params.Params) -> None:
    logged: dict[str, list[int]] = {}

    def log(metrics: Mapping[str, float], step: int) -> None:
        for name in metrics:
            logged.setdefault(name, []).append(step)

    for stage in ("optical", "two_stage"):
        summary = train_model(stage, kind, params=project, log=log)  # type: ignore[arg-type]
        folder = paths.model(stage, kind)
        assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "training.json"]
        trained = model.load(folder)
        assert (trained.kind, trained.architecture, trained.seed) == (kind, f"micro_{kind}", 3)
        written = json.loads((folder / "training.json").read_text())
        assert (written["images"], written["captions"], written["cut_captions"]) == (20, 40, 20)
        assert (written["steps"], written["epochs"], len(written["curve"])) == (6, 3, 3)
        assert written["parameters"] == trained.parameters
        assert written["settings"] == dataclasses.asdict(TRAINING)
        assert "images_per_s" not in written
        assert summary.metrics()["best_val_loss"] == written["curve"][written["best_epoch"] - 1]["val_loss"]
        assert {"fact": "kind", "value": kind} in summary.rows()
    assert logged["val/loss"] == [2, 4, 6] * 2
    assert not list((paths.state() / "checkpoints").iterdir()), "deleted after success"


def test_the_cache_of_pictures_changes_nothing(project: params.Params) -> None:
    seen = []
    for pixel_cache in (False, True, True):
        hardware = dataclasses.replace(project.hardware, pixel_cache=pixel_cache)
        train_model("optical", "clip", params=dataclasses.replace(project, hardware=hardware), log=silent)
        seen.append((paths.model("optical", "clip") / model.WEIGHTS).read_bytes())
        assert paths.input_cache().exists() == pixel_cache
    assert seen[0] == seen[1] == seen[2]
    kept = [path for path in paths.input_cache().iterdir() if path.is_dir()]
    assert len(kept) == 4, "pictures and tokens of train and val"


def test_augmentation_is_reproducible_and_of_the_second_stage(project: params.Params) -> None:
    train_model("optical", "clip", params=project, log=silent)
    seen = []
    for augment in ("none", "sar", "sar"):
        finetune = dataclasses.replace(TRAINING, augment=augment)
        settings = dataclasses.replace(project, clip=dataclasses.replace(project.clip, finetune=finetune))
        train_model("two_stage", "clip", params=settings, log=silent)
        folder = paths.model("two_stage", "clip")
        seen.append((folder / model.WEIGHTS).read_bytes())
    assert seen[0] != seen[1] == seen[2]
    assert json.loads((folder / "training.json").read_text())["captions"] == 40, "turned ones are not counted"
    with pytest.raises(ValueError, match=r"pretrain\.augment is sar, but stage 1 learns from optical images"):
        dataclasses.replace(project.clip, pretrain=finetune)
    with pytest.raises(ValueError, match=r"align\.augment is sar, but SAR-GPT looks at each picture once"):
        dataclasses.replace(project.gpt, align=finetune)


def test_equal_inputs_give_equal_bytes(project: params.Params) -> None:
    seen = []
    for _ in range(2):
        train_model("optical", "clip", params=project, log=silent)
        seen.append([path.read_bytes() for path in sorted(paths.model("optical", "clip").iterdir())])
    assert seen[0] == seen[1]


def test_the_second_stage_starts_from_the_first(project: params.Params) -> None:
    """With a learning rate of nothing, the second stage's weights are the first's, and not random ones."""
    train_model("optical", "clip", params=project, log=silent)
    still = dataclasses.replace(project.clip, finetune=dataclasses.replace(TRAINING, learning_rate=1e-12))
    train_model("two_stage", "clip", params=dataclasses.replace(project, clip=still), log=silent)
    first, second = (model.load(paths.model(stage, "clip")).module.state_dict() for stage in ("optical", "two_stage"))
    random = model.initial("clip", architecture="micro_clip", seed=3).module.state_dict()
    assert all(np.allclose(first[name], second[name], atol=1e-7) for name in first)
    assert not all(np.allclose(first[name], random[name], atol=1e-4) for name in first)


@pytest.mark.parametrize("kind", ["clip", "coca"])
def test_sar_alone_starts_where_the_first_stage_does(kind: str, project: params.Params) -> None:
    """And it has seen nothing optical: there need not be any optical text."""
    shutil.rmtree(paths.text("optical"))
    still = dataclasses.replace(project.model(kind), finetune=dataclasses.replace(TRAINING, learning_rate=1e-12))
    train_model("sar", kind, params=dataclasses.replace(project, **{kind: still}), log=silent)
    found = model.load(paths.model("sar", kind)).module
    start = model.initial(kind, architecture=f"micro_{kind}", seed=3).module
    for (name, value), first in zip(found.named_parameters(), start.parameters(), strict=True):
        torch.testing.assert_close(value, first, rtol=0, atol=1e-7, msg=name)
    assert json.loads((paths.model("sar", kind) / "training.json").read_text())["stage"] == "sar"


@pytest.mark.parametrize("augment", ["none", "sar"])
def test_the_second_stage_goes_on_to_see_optical_images(augment: str, project: params.Params) -> None:
    """All of them at a share of 1, some at a half, always the same ones; and SAR alone none."""
    train_model("optical", "clip", params=project, log=silent)
    images, weights = [], []
    for share in (0.0, 0.5, 1.0, 1.0):
        finetune = dataclasses.replace(TRAINING, replay=share, augment=augment)  # type: ignore[arg-type]
        settings = dataclasses.replace(project, clip=dataclasses.replace(project.clip, finetune=finetune))
        images.append(train_model("two_stage", "clip", params=settings, log=silent).images)
        weights.append((paths.model("two_stage", "clip") / model.WEIGHTS).read_bytes())
    assert images[0] == 20 < images[1] < 40 == images[2] == images[3]
    assert weights[0] != weights[1] != weights[2] == weights[3]
    assert train_model("sar", "clip", params=settings, log=silent).images == 20
    with pytest.raises(ValueError, match=r"pretrain\.replay is 1\.0, but only finetune has a stage before it"):
        dataclasses.replace(project.clip, pretrain=dataclasses.replace(TRAINING, replay=1.0))
    with pytest.raises(ValueError, match=r"finetune\.replay is 1\.0, but SAR-GPT replays nothing"):
        dataclasses.replace(project.gpt, finetune=dataclasses.replace(TRAINING, replay=1.0))


def test_options_of_the_engine_reach_the_weights(project: params.Params) -> None:
    """Sigmoid in both stages, and a second stage that ends just where it began."""
    settings = dataclasses.replace(TRAINING, contrastive_loss="sigmoid", micro_batch=3, ema_decay=0.5)
    back = dataclasses.replace(settings, stage_1_share=1.0)
    engine = dataclasses.replace(project, clip=dataclasses.replace(project.clip, pretrain=settings, finetune=back))
    logged: set[str] = set()
    for stage in ("optical", "two_stage"):
        train_model(stage, "clip", params=engine, log=lambda metrics, step: logged.update(metrics))  # type: ignore[arg-type]
    first, second = (model.load(paths.model(stage, "clip")).module.state_dict() for stage in ("optical", "two_stage"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["logit_bias"] != -10
    assert {"blended/loss", "blended/mean_recall"} <= logged


def test_a_killed_stage_goes_on_and_other_inputs_do_not(project: params.Params) -> None:
    steps: list[int] = []

    def watch(metrics: Any, step: int) -> None:
        steps.append(step)

    with pytest.raises(KilledError):
        train_model("optical", "clip", params=project, log=kill_at_step(4))
    train_model("optical", "clip", params=project, log=watch)
    assert steps == [4, 6], "the first epoch is not repeated"
    with pytest.raises(KilledError):
        train_model("optical", "clip", params=project, log=kill_at_step(4))
    steps.clear()
    train_model("optical", "clip", params=dataclasses.replace(project, seed=4), log=watch)
    assert steps == [2, 4, 6], "another seed is another training"


def test_what_is_missing_is_named(project: params.Params) -> None:
    with pytest.raises(ValueError, match=r"models.optical.clip.config\.json does not exist.*dvc"):
        train_model("two_stage", "clip", params=project, log=silent)
    train_model("optical", "clip", params=project, log=silent)
    other = dataclasses.replace(project.clip, architecture="sar_clip_tiny")
    with pytest.raises(ValueError, match=r"micro_clip.*sar_clip_tiny.*pretrain@clip"):
        train_model("two_stage", "clip", params=dataclasses.replace(project, clip=other), log=silent)
    records.write(paths.text("optical") / "val.parquet", [], schema=records.TEXT)
    with pytest.raises(ValueError, match=r"val\.parquet holds no captions"):
        train_model("optical", "clip", params=project, log=silent)
    (paths.text("optical") / "train.parquet").unlink()
    with pytest.raises(ValueError, match=r"train\.parquet does not exist"):
        train_model("optical", "clip", params=project, log=silent)
