"""Numbers in `params.yaml` that make no sense are refused when it is read, with the key and what is allowed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks import params, paths
from tests.clones import ROOT, edit


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("narrate.captions_per_image", 0, "captions_per_image is 0; it must be from 1 to 20"),
        ("narrate.captions_per_image", 99, "captions_per_image is 99"),
        ("narrate.questions_per_image", -1, "questions_per_image is -1; it must be at least 0"),
        ("validate.min_side_px", 5000, "max_side_px is 4096; it must be at least 5000"),
        ("validate.max_quarantine_share", 5, "from 0 to 1"),
        ("validate.max_quarantine_share", float("nan"), "from 0 to 1"),
        ("pairs.min_claim_precision", 80, "min_claim_precision is 80.0; it must be from 0 to 1"),
        ("pairs.held_out_images", -1, "at least 0"),
        ("pairs.sources", ["sim_pairs", "sim_pairs"], "sim_pairs more than once"),
        ("pairs.sources", ["sim_optical"], "not listed as sar"),
        ("pairs.rewriter", "language_model", "language_model.name"),
        ("model_text.samples", 0, "samples is 0; it must be at least 1"),
        ("model_text.sources", ["sim_bare", "sim_bare"], "sim_bare more than once"),
        ("model_text.decoding.beams", 0, "beams is 0"),
        ("model_text.sampling.batch_size", 0, "batch_size is 0"),
        ("hardware.device", "gpu", "device is 'gpu'.*only cpu and cuda"),
        ("clip.finetune.epochs", 0, "epochs"),
        ("clip.finetune.epochs", 10**9, "epochs is 1000000000; it must be from 1 to 10000"),
        ("clip.architecture", "ViT-L14", r"params.yaml: clip.architecture: .* 'ViT-L14'; the nearest are ViT-L-14"),
        ("coca.architecture", "sar_coca_tin", "coca.architecture: .*; the nearest are sar_coca_tiny"),
        (
            "pairs.captioner",
            "coca_ViT-L14:laion2b",
            "captioner: .* 'coca_ViT-L14'; the nearest are coca_ViT-L-14",
        ),
        (
            "pairs.captioner",
            "coca_ViT-L-14",
            "'coca_ViT-L-14', no folder of .*; give models/optical/coca, or",
        ),
        ("clip.finetune.weight_decay", float("inf"), "weight_decay is inf"),
        ("evaluate.bootstrap_draws", 0, "bootstrap_draws is 0"),
        ("evaluate.seed", -1, r"evaluate: seed is -1; it must be from 0 to 1e\+09"),
        ("seed", 10**30, "seed is 1000000000000000000000000000000; it must be from 0"),
        ("gate.least_images", 1, "least_images is 1; it must be at least 2"),
        ("gate.clip.sar", {}, "gate: clip: sar names no metric"),
        ("gate.clip.optical.mean_recall", -1, "the margin of mean_recall is -1.0; it must be at least 0"),
        ("gate.gpt.sar.vqa_count_error", 1, "vqa_count_error is an error, the lower the better"),
        ("tracking.experiment", "", "experiment is ''; use letters"),
        ("tracking.experiment", "../x", "experiment is '../x'"),
        ("tracking.registry_suffix", "a'b", "registry_suffix is"),
    ],
)
def test_senseless_settings_are_refused(tmp_path: Path, key: str, value: Any, complaint: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text((ROOT / "params.yaml").read_text())
    edit(file, {key: value})
    with pytest.raises(ValueError, match=complaint):
        params.load(file)


def test_no_questions_and_no_sources_of_pairs_are_allowed(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text((ROOT / "params.yaml").read_text())
    edit(file, {"narrate.questions_per_image": 0, "pairs.sources": [], "model_text.sources": []})
    assert params.load(file).narrate.questions_per_image == 0


def test_a_source_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    file.write_text(text.replace("  sim_ships: sar\n", "  sim_ships: sar\n  sim_ships: optical\n"))
    with pytest.raises(ValueError, match=r"'sim_ships' stands there twice(.|\n)*line 8"):
        params.load(file)


def test_a_model_and_a_text_that_there_are_not() -> None:
    with pytest.raises(ValueError, match="no model 'clap'; there are clip, coca"):
        params.load(ROOT / "params.yaml").model("clap")
    with pytest.raises(ValueError, match="no text 'radar'; there are sar and optical"):
        paths.text("radar")


def test_a_file_where_the_state_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/below"):
        monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / place))
        with pytest.raises(ValueError, match=rf"{place} cannot be made .*set SAR_TEXT_STATE"):
            paths.state()


@pytest.mark.parametrize(
    "path", [ROOT / "params.yaml", *sorted((ROOT / "profiles").glob("*.yaml"))], ids=lambda p: p.stem
)
def test_params_and_profiles_have_every_key_that_a_stage_depends_on(path: Path) -> None:
    """DVC wants each key that `dvc.yaml` lists to be written, also where our own reader has a default."""
    params.load(path)
    written = yaml.safe_load(path.read_text())
    missing = []
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        items = stage["foreach"] if isinstance(stage.get("foreach"), list) else [""]
        for key in stage.get("do", stage).get("params", []):
            for item in items:
                at: Any = written
                for part in key.replace("${item}", item).split("."):
                    at = at.get(part) if isinstance(at, dict) else None
                missing += [key] if at is None else []
    assert missing == []


def test_every_architecture_of_open_clip_is_known_without_importing_it() -> None:
    import open_clip

    from tasks import architectures

    packaged = {name for name in open_clip.list_models() if not name.startswith(("micro_", "small"))}  # those of tests
    assert packaged <= architectures.names()
    loaded = "[name for name in ('torch', 'open_clip') if name in sys.modules]"
    code = f"import sys; from tasks import params; params.load(); print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
