"""The whole pipeline in a temporary clone, small: all is built, reported and registered; nothing is done twice."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parent.parent
SCENES = 30
DATA = ["download", "narrate"]
SOURCES = ["sim_aircraft", "sim_landcover", "sim_optical", "sim_pairs", "sim_ships"]
STAGES = {
    *(f"{stage}@{source}" for stage in DATA for source in SOURCES),
    *("validate@optical", "validate@sar"),
    *(f"{stage}@{model}" for stage in ("pretrain", "finetune") for model in ("clip", "coca")),
    "evaluate",
}


def edit(path: Path, change: dict[str, Any]) -> None:
    """Set nested keys, such as `clip.pretrain.epochs`, in a YAML file."""
    content = yaml.safe_load(path.read_text())
    for key, value in change.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            place = place[parent]
        place[last] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pipeline") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for source in SOURCES:
        edit(folder / "sources" / f"{source}.yaml", {"simulate.scenes": SCENES})
    small = {"epochs": 1, "batch_size": 8, "warmup_steps": 1}
    edit(
        folder / "params.yaml",
        {
            **{f"{m}.{s}.{k}": v for m in ("clip", "coca") for s in ("pretrain", "finetune") for k, v in small.items()},
            "evaluate.bootstrap_draws": 50,
            "evaluate.decoding": {"method": "greedy", "beams": 1, "max_tokens": 12, "batch_size": 64},
        },
    )
    yield folder
    run(folder, "-m", "flows.cli", "down")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "SAR_TEXT_STATE", "DVC_ROOT")
    }
    environment |= {
        "SAR_TEXT_TRACKING": "on",
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def stages_run(answer: subprocess.CompletedProcess[str]) -> set[str]:
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return set(re.findall(r"Running stage '([^']+)'", answer.stdout))


def test_a_clone_builds_everything_once(clone: Path) -> None:
    assert stages_run(run(clone, "-m", "dvc", "repro")) == STAGES
    assert stages_run(run(clone, "-m", "dvc", "repro")) == set()

    measured = json.loads((clone / "metrics" / "evaluate.json").read_text())
    assert set(measured) >= {
        "sar/sim_ships",
        "sar/sim_aircraft",
        "sar/sim_landcover",
        "sar/sim_pairs",
        "optical/sim_optical",
    }
    for variants in measured.values():
        assert set(variants) == {"initial", "optical", "two_stage"}
        for metrics in variants.values():
            assert {"mean_recall", "coca_mean_recall", "cider", "bleu_4", "rouge_l"} <= set(metrics)
            assert set(metrics["mean_recall"]) == {"value", "low", "high", "n"}
    for plot in ("learning_curves", "recall_by_variant", "samples"):
        assert (clone / "plots" / f"{plot}.png").read_bytes().startswith(b"\x89PNG")


def test_every_stage_is_a_flow_and_a_run(clone: Path) -> None:
    server = json.loads((clone / ".state/prefect/server.json").read_text())
    listed = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "ls", "--limit", "100", "--output", "json"],
        capture_output=True, text=True, check=True, env={**os.environ, "PREFECT_API_URL": server["api_url"]},
    )  # fmt: skip
    flows = {found["name"]: found["state_type"] for found in json.loads(listed.stdout)}
    assert len(flows) == len(STAGES)
    assert set(flows.values()) == {"COMPLETED"}

    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{clone / '.state' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("sar-text")
    runs = client.search_runs([experiment.experiment_id])
    assert {found.info.run_name for found in runs} == STAGES
    assert {found.info.status for found in runs} == {"FINISHED"}
    trained = next(found for found in runs if found.info.run_name == "finetune@clip")
    lock = yaml.safe_load((clone / "dvc.lock").read_text())["stages"]
    assert trained.data.tags["dvc.input.data/sar_text"] == lock["validate@sar"]["outs"][0]["md5"]


def test_registration_follows_from_what_was_built(clone: Path) -> None:
    first = run(clone, "-m", "flows.cli", "register")
    assert first.returncode == 0, first.stderr[-3000:]
    assert "sar-rs-clip: weights" in first.stdout
    assert "registered as version 1" in first.stdout
    again = run(clone, "-m", "flows.cli", "register")
    assert again.stdout.count("is already version 1") == 2
    shown = run(clone, "-m", "flows.cli", "results")
    assert "sar/sim_ships" in shown.stdout


def test_one_changed_source_runs_what_follows_from_it_and_nothing_else(clone: Path) -> None:
    edit(clone / "sources" / "sim_ships.yaml", {"simulate.seed": 99})
    assert stages_run(run(clone, "-m", "dvc", "repro", "validate@sar", "validate@optical")) == {
        "download@sim_ships",
        "narrate@sim_ships",
        "validate@sar",
    }
    planned = run(clone, "-m", "dvc", "status")
    changed = set(re.findall(r"^(\S+):$", planned.stdout, flags=re.MULTILINE))
    assert changed == {"finetune@clip", "finetune@coca", "evaluate"}


def test_training_in_two_processes_starts_itself_under_torchrun(clone: Path) -> None:
    before = (clone / "models/optical/clip/training.json").read_text()
    edit(clone / "params.yaml", {"hardware.processes": 2, "hardware.threads": 1})
    answer = run(clone, "-m", "flows.pretrain", "clip")
    assert answer.returncode == 0, answer.stderr[-3000:]
    after = json.loads((clone / "models/optical/clip/training.json").read_text())
    assert after["hardware"]["processes"] == 2
    assert after["steps"] == json.loads(before)["steps"]
