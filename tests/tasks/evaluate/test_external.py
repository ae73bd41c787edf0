"""Checkpoints of other people beside our variants, through the real stage."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from evaluate_world import changed

from sar_models import model
from tasks import paths, records, strict
from tasks.evaluate import predict
from tasks.evaluate.external import check_files
from tasks.evaluate.stage import evaluate
from tasks.params import Evaluate, External, Params

CLIP = External("remoteclip", "clip", "sar_clip_tiny", "checkpoints/RemoteCLIP.pt")
COCA = External("other_coca", "coca", "sar_coca_tiny", "checkpoints/coca.pt")


def publish(external: External, *, seed: int, wrap: bool = False) -> None:
    """A file as RemoteCLIP is published (a bare state dict), or as open_clip's training leaves it."""
    weights = model.initial(external.kind, architecture=external.architecture, seed=seed).module.state_dict()
    path = paths.root() / external.weights
    path.parent.mkdir(exist_ok=True)
    torch.save({"state_dict": {f"module.{name}": value for name, value in weights.items()}} if wrap else weights, path)


def test_it_is_evaluated_beside_ours(trained: Params) -> None:
    publish(CLIP, seed=31)
    publish(COCA, seed=32, wrap=True)
    model.save(model.initial("clip", architecture="sar_clip_tiny", seed=31), paths.model("two_stage", "clip"))
    model.save(model.initial("coca", architecture="sar_coca_tiny", seed=32), paths.model("two_stage", "coca"))
    heard: list[dict[str, float]] = []
    params = changed(trained, external=(CLIP, COCA))
    summary = evaluate(params=params, log=lambda metrics, step: heard.append(dict(metrics)))
    assert len(heard) == 4 * 3 + 2

    table = json.loads(paths.metrics("evaluate").read_text())
    for variants in table.values():
        assert list(variants) == ["initial", "optical", "other_coca", "remoteclip", "sar", "two_stage"]
        ours, retrieval, captions = variants["two_stage"], variants["remoteclip"], variants["other_coca"]
        assert retrieval == {name: ours[name] for name in retrieval}, "the same weights give the same numbers"
        assert captions == {name: ours[name] for name in captions}
        assert set(retrieval) | set(captions) == {name for name in ours if not name.startswith("vqa_")}
        assert {"mean_recall", "i2t_r1"} <= set(retrieval)
        assert {"coca_mean_recall", "cider"} <= set(captions)
    compared = json.loads(paths.metrics("compare").read_text())["sar/all"]
    assert compared["remoteclip-two_stage"]["mean_recall"]["value"] == 0
    assert compared["remoteclip-initial"]["mean_recall"]["n"] == 10
    slices = json.loads(paths.metrics("slices").read_text())
    assert {"remoteclip", "other_coca"} <= set(slices["speckle_looks"]["sar/sample"]["4"])
    assert {row["variant"] for row in records.read(paths.predictions("captions"))} == {*predict.VARIANTS, "other_coca"}
    assert {row["variant"] for row in records.read(paths.predictions("retrieval"))} == set(table["sar/all"])
    shown = [row for row in summary.rows() if row["test_set"] == "sar/all"]
    assert [(row["variant"], bool(row["mean_recall"]), bool(row["cider"])) for row in shown][-2:] == [
        ("remoteclip", True, False), ("other_coca", False, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": "checkpoints/absent.pt"}, r"checkpoints/absent\.pt does not exist"),
        ({"architecture": "ViT-B-3"}, "architecture 'ViT-B-3' is unknown"),
        ({"kind": "coca"}, "architecture 'sar_clip_tiny' is not of kind 'coca'"),
        ({"architecture": "ViT-B-32"}, "does not fit the model:"),
        ({"sha256": "0" * 64}, "has the sha256"),
        ({"weights": "nosuchtag"}, "is neither a file"),
    ],
)
def test_what_does_not_fit_is_told_before_any_model_is_asked(
    project: Params, change: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(CLIP, seed=31)
    external = dataclasses.replace(CLIP, **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"evaluate.external: remoteclip: (?s:.*){message}"):
        evaluate(params=changed(project, external=(external,)))
    assert "images" not in capsys.readouterr().out


def test_a_missing_file_is_told_before_anything_is_trained(project: Params) -> None:
    with pytest.raises(ValueError, match=r"RemoteCLIP\.pt does not exist"):
        check_files(changed(project, external=(CLIP,)))
    publish(CLIP, seed=1)
    check_files(changed(project, external=(CLIP, dataclasses.replace(CLIP, name="tag", weights="openai"))))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"name": "two_stage"}], "which is a variant of ours"),
        ([{"name": "remote-clip"}], "use letters, digits and '_'"),
        ([{}, {}], "external names remoteclip more than once"),
        ([{"weights": "random"}], "weights is random"),
        ([{"kind": "blip"}], "choose one of clip, coca"),
        ([{"sha256": "abc"}], "give the 64 digits"),
        ([{"weigths": "x"}], "unknown key 'weigths'; did you mean 'weights'?"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(project: Params, entries: list[dict[str, str]], message: str) -> None:
    whole: dict[str, Any] = dataclasses.asdict(project.evaluate)
    good = {"name": "remoteclip", "kind": "clip", "architecture": "ViT-B-32", "weights": "openai"}
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        strict.parse(Evaluate, whole | {"external": [good | entry for entry in entries]}, where="params.yaml: evaluate")
    assert "params.yaml: evaluate" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_documented_entry_is_read() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    import yaml

    shown = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)[0])["evaluate"]["external"]
    entries = [strict.parse(External, entry, where="docs/evaluation.md") for entry in shown]
    assert {entry.kind for entry in entries} == {"clip", "coca"}
    for entry in entries:
        assert model.configuration(entry.architecture)["embed_dim"]
