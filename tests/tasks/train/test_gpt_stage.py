"""Both training stages of SAR-GPT on a project of forty tiny pictures."""

import dataclasses
import json
from typing import Any

import pytest
import torch
from train_world import TRAINING, KilledError, kill_at_step

from sar_models import gpt_model, model
from tasks import params, paths
from tasks.train import talks
from tasks.train.gpt_stage import train_gpt


def silent(metrics: Any, step: int) -> None:
    pass


@pytest.fixture
def towers(project: params.Params) -> params.Params:
    """The project with the image towers of all variants, which differ."""
    for seed, stage in enumerate(("optical", "sar", "two_stage")):
        clip = model.initial("clip", architecture="micro_clip", seed=seed)
        model.save(clip, paths.model(stage, "clip"))
    return project


def tower(stage: str) -> dict[str, torch.Tensor]:
    return dict(model.load(paths.model(stage, "clip")).module.visual.state_dict())


def test_two_stages_each_behind_its_own_tower(towers: params.Params) -> None:
    logged: dict[str, list[int]] = {}
    for stage in ("optical", "two_stage"):
        summary = train_gpt(
            stage,  # type: ignore[arg-type]
            params=towers,
            log=lambda metrics, step: [logged.setdefault(name, []).append(step) for name in metrics],  # type: ignore[func-returns-value,misc]
        )
        folder = paths.model(stage, "gpt")
        assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "training.json"]
        trained = gpt_model.load(folder)
        assert all(torch.equal(value, trained.module.tower.state_dict()[name]) for name, value in tower(stage).items())
        written = json.loads((folder / "training.json").read_text())
        assert (written["images"], written["questions"], written["steps"]) == (20, 40, 6)
        assert set(written["settings"]) == ({"align", "pretrain"} if stage == "optical" else {"finetune"})
        assert summary.metrics()["best_val_loss"] == written["curve"][written["best_epoch"] - 1]["val_loss"]
        assert written["trained_parameters"] < written["parameters"] == trained.parameters
    assert logged["align/val/exact_match"] == [2, 4, 6]
    assert logged["val/exact_match"] == [2, 4, 6] * 2
    assert summary.best_val_exact_match >= 50, "bright or dark, yes or no"
    assert not list((paths.state() / "checkpoints").iterdir()), "deleted after success"


def test_equal_inputs_give_equal_bytes_killed_and_resumed_or_not(towers: params.Params) -> None:
    def outputs() -> list[bytes]:
        return [path.read_bytes() for path in sorted(paths.model("optical", "gpt").iterdir())]

    train_gpt("optical", params=towers, log=silent)
    whole = outputs()
    with pytest.raises(KilledError):
        train_gpt("optical", params=towers, log=kill_at_step(4, when="val/loss"))
    heard: list[str] = []
    train_gpt("optical", params=towers, log=lambda metrics, step: heard.extend(metrics))
    assert outputs() == whole
    assert "align/val/loss" not in heard, "what was finished is not repeated"
    assert heard.count("val/loss") == 2


def test_the_second_stage_starts_from_the_first(towers: params.Params) -> None:
    train_gpt("optical", params=towers, log=silent)
    still = dataclasses.replace(towers.gpt, finetune=dataclasses.replace(TRAINING, learning_rate=1e-12))
    train_gpt("two_stage", params=dataclasses.replace(towers, gpt=still), log=silent)
    first, second = (
        gpt_model.load(paths.model(stage, "gpt")).module.state_dict() for stage in ("optical", "two_stage")
    )
    for name, value in first.items():
        if not name.startswith("tower."):
            torch.testing.assert_close(second[name], value, rtol=0, atol=1e-7)


def test_sar_alone_begins_anew_behind_its_own_tower(towers: params.Params) -> None:
    still = dataclasses.replace(towers.gpt, finetune=dataclasses.replace(TRAINING, learning_rate=1e-12))
    train_gpt("sar", params=dataclasses.replace(towers, gpt=still), log=silent)
    found = gpt_model.load(paths.model("sar", "gpt")).module.state_dict()
    start = gpt_model.initial(model.load(paths.model("sar", "clip")), towers.gpt.shape, seed=towers.seed).module
    for name, value in start.state_dict().items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-7)


def test_without_optical_questions_the_captions_are_the_first_stage(
    towers: params.Params, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "val"):
        talks.questions_file("optical", split).write_text("[]\n")
    summary = train_gpt("optical", params=towers, log=silent)
    assert "stage 1 is left out" in capsys.readouterr().out
    assert summary.questions == 40, "captions"
    talks.questions_file("sar", "val").write_text("[]\n")
    with pytest.raises(ValueError, match=r"val_llava\.json holds no questions: raise .*validate\.split\.val"):
        train_gpt("two_stage", params=towers, log=silent)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda said: said.reverse(), "human and gpt in turn, this one is gpt, human"),
        (lambda said: said.pop(), "human and gpt in turn"),
        (lambda said: said.clear(), "human and gpt in turn"),
        (lambda said: said[0].update(value="Is it bright?"), "does not begin with the image"),
    ],
)
def test_records_that_are_not_as_llava_has_them_are_named(change: Any, complaint: str, project: params.Params) -> None:
    path = talks.questions_file("sar", "train")
    entries = json.loads(path.read_text())
    change(entries[3]["conversations"])
    path.write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=rf"train_llava\.json: \w+_fake/train/003\.png.*{complaint}"):
        talks.questions("sar", "train")


def test_what_is_missing_is_named(towers: params.Params) -> None:
    with pytest.raises(ValueError, match=r"models.optical.gpt.config\.json does not exist.*dvc"):
        train_gpt("two_stage", params=towers, log=silent)
    train_gpt("optical", params=towers, log=silent)
    other = dataclasses.replace(towers, gpt=dataclasses.replace(towers.gpt, tower_layer=0))
    with pytest.raises(ValueError, match=r"holds another SAR-GPT .*pretrain_gpt"):
        train_gpt("two_stage", params=other, log=silent)
    for modality, stage in (("sar", "two_stage"), ("optical", "optical")):
        talks.questions_file(modality, "train").unlink()
        with pytest.raises(ValueError, match=r"train_llava\.json does not exist: run `dvc repro"):
            train_gpt(stage, params=towers, log=silent)  # type: ignore[arg-type]
