"""What stage 1 begins from, through the real stage: a checkpoint of one's own, as the README shows it."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from train_world import ROOT, TRAINING, KilledError, kill_at_step

from sar_models import model
from sar_models.settings import ModelSettings, Start
from tasks import params, paths, strict
from tasks.evaluate import predict
from tasks.train.stage import train_model
from tasks.train.start import check_files

STILL = dataclasses.replace(TRAINING, epochs=1, warmup_steps=0, learning_rate=1e-12)


def silent(metrics: Any, step: int) -> None:
    pass


def beginning(project: params.Params, **settings: Any) -> params.Params:
    """`project` with a CLIP of other settings."""
    return dataclasses.replace(project, clip=dataclasses.replace(project.clip, pretrain=STILL, **settings))


def training(stage: str = "optical") -> dict[str, Any]:
    written: dict[str, Any] = json.loads((paths.model(stage, "clip") / "training.json").read_text())
    return written


def test_the_readmes_two_lines_train_from_ones_own_checkpoint(
    project: params.Params, capsys: pytest.CaptureFixture[str]
) -> None:
    section = (ROOT / "README.md").read_text().partition("## Start from your own checkpoint")[2].partition("\n## ")[0]
    shown = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)[0])
    assert [list(lines) for lines in shown.values()] == [["architecture", "start"]], "two lines"
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    asked = strict.parse(ModelSettings, whole["clip"] | shown["clip"], where="README.md")
    assert model.configuration(asked.architecture)["vision_cfg"]["width"] >= 768, "a real architecture"

    own = model.initial("clip", architecture="micro_clip", seed=11).module.state_dict()
    path = paths.root() / asked.start.weights
    path.parent.mkdir()
    torch.save(own, path)  # as RemoteCLIP is published
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    project = beginning(project, start=asked.start)
    train_model("optical", "clip", params=project, log=silent)
    trained = model.load(paths.model("optical", "clip")).module.state_dict()
    assert all(np.allclose(trained[name], own[name], atol=1e-7) for name in own)
    assert (training()["start"], training()["start_sha256"]) == (asked.start.weights, digest)
    assert f"clip starts from {asked.start.weights} {digest}" in capsys.readouterr().out
    initial = predict.model("initial", "clip", params=project).module.state_dict()
    assert all(torch.equal(initial[name], own[name]) for name in own)


def test_training_says_where_it_began(project: params.Params) -> None:
    train_model("optical", "clip", params=beginning(project), log=silent)
    assert (training()["start"], training()["start_sha256"]) == ("random", "")
    train_model("two_stage", "clip", params=project, log=silent)
    first = (paths.model("optical", "clip") / model.WEIGHTS).read_bytes()
    written = training("two_stage")
    assert (written["start"], written["start_sha256"]) == ("models/optical/clip", hashlib.sha256(first).hexdigest())


def test_the_second_stage_takes_what_the_sigmoid_loss_added(project: params.Params) -> None:
    sigmoid = dataclasses.replace(STILL, contrastive_loss="sigmoid")
    project = dataclasses.replace(project, clip=dataclasses.replace(project.clip, pretrain=sigmoid, finetune=sigmoid))
    for stage in ("optical", "two_stage"):
        train_model(stage, "clip", params=project, log=silent)  # type: ignore[arg-type]
    assert "init_logit_bias" in model.load(paths.model("two_stage", "clip")).config


def test_weights_of_the_mirror(project: params.Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "elsewhere"
    mirror.mkdir()
    torch.save(model.initial("clip", architecture="micro_clip", seed=11).module.state_dict(), mirror / "own.pt")
    project = beginning(project, start=Start("own.pt"))
    with pytest.raises(ValueError, match=r"own\.pt does not exist.*SAR_TEXT_MIRROR"):
        check_files(project)  # before anything runs
    with pytest.raises(ValueError, match=r"own\.pt does not exist.*SAR_TEXT_MIRROR"):
        train_model("optical", "clip", params=project, log=silent)
    monkeypatch.setenv("SAR_TEXT_MIRROR", str(mirror))
    check_files(project)
    train_model("optical", "clip", params=project, log=silent)
    assert training()["start"] == "own.pt"


def test_a_changed_file_is_another_training(project: params.Params) -> None:
    """A killed run does not go on from checkpoints of the file that was there before."""
    steps: list[int] = []
    project = dataclasses.replace(project, clip=dataclasses.replace(project.clip, start=Start("own.pt")))
    for seed in (11, 12):
        own = model.initial("clip", architecture="micro_clip", seed=seed).module.state_dict()
        torch.save(own, paths.root() / "own.pt")
        if seed == 11:
            with pytest.raises(KilledError):
                train_model("optical", "clip", params=project, log=kill_at_step(4))
    train_model("optical", "clip", params=project, log=lambda metrics, step: steps.append(step))
    assert steps[0] == 2


def test_cut_captions_are_counted_and_a_longer_context_keeps_them(
    project: params.Params, capsys: pytest.CaptureFixture[str]
) -> None:
    train_model("optical", "clip", params=beginning(project), log=silent)
    assert training()["cut_captions"] == 20
    printed = capsys.readouterr().out
    assert "warning: 20 of 40 training captions are longer than the 16 tokens of clip" in printed
    assert "a larger clip.context_length keeps them" in printed
    longer = beginning(project, context_length=70)
    train_model("optical", "clip", params=longer, log=silent)
    assert training()["cut_captions"] == 0
    assert "warning" not in capsys.readouterr().out
    train_model("two_stage", "clip", params=longer, log=silent)
    with pytest.raises(
        ValueError, match=r"of 70 tokens, but params\.yaml asks for .* of its own tokens.*pretrain@clip"
    ):
        train_model("two_stage", "clip", params=project, log=silent)
