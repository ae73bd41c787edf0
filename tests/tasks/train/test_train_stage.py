"""Both training stages on a project of forty tiny pictures."""

import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from PIL import Image

from sar_models import model
from sar_models.settings import Hardware, ModelSettings, Training
from tasks import params, paths, records
from tasks.train.stage import train_model

ROOT = Path(__file__).resolve().parents[3]
TRAINING = Training(
    epochs=3, batch_size=8, learning_rate=0.003, weight_decay=0.1, warmup_steps=2, gradient_clip=1.0, patience=0
)
open_clip.add_model_config(ROOT / "tests" / "sar_models" / "micro")


def write_text(modality: str, split: str, count: int, *, seed: int) -> None:
    """Captions of pictures in one shard, as validate and download leave them."""
    random = np.random.default_rng(seed)
    shard = paths.sources_data(modality) / "fake" / "shards" / f"{split}.tar"
    shard.parent.mkdir(parents=True, exist_ok=True)
    rows, data = [], b""
    for number in range(count):
        bright = number % 2
        pixels = random.integers(0, 90, (20, 24), dtype=np.uint8) + np.uint8(120 * bright)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        record = f"fake/{split}/{number:03}.png"
        place = {"record_id": record, "source": "fake", "shard": shard.name, "offset": len(data),
                 "length": len(buffer.getvalue()), "low": [0.0], "high": [255.0], "modality": modality}  # fmt: skip
        data += buffer.getvalue()
        word = ("dark", "bright")[bright]
        for caption, text in enumerate([f"a {word} {modality} picture", f"{word} " * 20]):
            rows.append({**place, "caption_id": f"{record}#c{caption}", "text": text, "split": split})
    shard.write_bytes(data)
    records.write(paths.text(modality) / f"{split}.parquet", rows, schema=records.TEXT)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> params.Params:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / ".state"))
    for modality in ("optical", "sar"):
        write_text(modality, "train", 20, seed=1)
        write_text(modality, "val", 8, seed=2)
    settings = {
        kind: ModelSettings(architecture=f"micro_{kind}", pretrain=TRAINING, finetune=TRAINING)
        for kind in ("clip", "coca")
    }
    return dataclasses.replace(params.load(ROOT / "params.yaml"), seed=3, hardware=Hardware(threads=1), **settings)


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


def test_a_killed_stage_goes_on_and_other_inputs_do_not(project: params.Params) -> None:
    class Killed(Exception):
        pass

    def kill(metrics: Any, step: int) -> None:
        if step == 4:
            raise Killed

    steps: list[int] = []

    def watch(metrics: Any, step: int) -> None:
        steps.append(step)

    with pytest.raises(Killed):
        train_model("optical", "clip", params=project, log=kill)
    train_model("optical", "clip", params=project, log=watch)
    assert steps == [4, 6], "the first epoch is not repeated"
    with pytest.raises(Killed):
        train_model("optical", "clip", params=project, log=kill)
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
