"""The whole pipeline in a temporary clone, small: all is built, reported and registered; nothing is done twice."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from clones import SOURCES, edit, environment, run, small_clone, stages_run

from flows.server import free_port

pytestmark = pytest.mark.e2e
STAGES = {
    *(f"{stage}@{source}" for stage in ("download", "narrate") for source in SOURCES),
    *("validate@optical", "validate@sar"),
    *(f"{stage}@{model}" for stage in ("pretrain", "finetune", "single_stage") for model in ("clip", "coca")),
    *("pretrain_gpt", "finetune_gpt", "single_stage_gpt", "narrate_pairs@sim_pairs", "narrate_model", "evaluate"),
}
AFTER_SAR_TEXT = {
    stage for stage in STAGES if stage.startswith(("finetune", "single_stage", "narrate_model", "evaluate"))
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pipeline") / "clone"
    small_clone(folder)
    yield folder
    run(folder, "-m", "flows.cli", "down")


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
        assert set(variants) == {"initial", "optical", "sar", "two_stage"}
        for metrics in variants.values():
            assert {"mean_recall", "coca_mean_recall", "cider", "bleu_4", "rouge_l"} <= set(metrics)
            assert set(metrics["mean_recall"]) == {"value", "low", "high", "n"}
    for plot in ("learning_curves", "recall_by_variant", "samples"):
        assert (clone / "plots" / f"{plot}.png").read_bytes().startswith(b"\x89PNG")


def test_every_stage_is_a_flow_and_a_run(clone: Path) -> None:
    server = json.loads((clone / ".state/prefect/server.json").read_text())
    listed = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "ls", "--limit", "100", "--output", "json"],
        capture_output=True, text=True, check=True, env={**os.environ, "PREFECT_API_URL": server["address"]},
    )  # fmt: skip
    flows = {found["name"]: found["state_type"] for found in json.loads(listed.stdout)}
    assert len(flows) == len(STAGES)
    assert set(flows.values()) == {"COMPLETED"}

    from mlflow import MlflowClient

    store = f"sqlite:///{clone / '.state' / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=store, registry_uri=store)  # else that of an earlier test
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
    assert again.stdout.count("is already version 1") == 3
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
    assert changed == AFTER_SAR_TEXT


def test_a_worker_runs_through_the_deployment_what_is_left(clone: Path) -> None:
    server = json.loads((clone / ".state/prefect/server.json").read_text())
    place = {
        "PREFECT_API_URL": server["address"],
        "PREFECT_HOME": str(clone / ".state/worker"),
        "SAR_TEXT_ROOT": str(clone),
    }
    pools = [["work-pool", "create", "--type", "process", pool] for pool in ("cpu", "gpu")]
    for command in (*pools, ["--no-prompt", "deploy", "--all"]):
        answer = run(clone, "-m", "prefect", *command, **place)
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "gpu", "--name", "here"]
    log = clone / ".state/worker.log"
    with log.open("w") as out:
        worker = subprocess.Popen(command, cwd=clone, env=environment(clone) | place, stdout=out, stderr=out)
    try:
        asked = run(clone, "-m", "prefect", "deployment", "run", "repro/pipeline", "--watch", **place)
    finally:
        worker.terminate()
        worker.wait(timeout=60)
    assert asked.returncode == 0, asked.stdout[-2000:] + log.read_text()[-4000:]
    assert set(re.findall(r"Running stage '([^']+)'", log.read_text())) == AFTER_SAR_TEXT
    versions = run(clone, "-m", "flows.cli", "status", **place).stdout
    assert "models:/sar-rs-clip@challenger is version 2" in versions
    assert run(clone, "-m", "dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_training_in_two_processes_starts_itself_under_torchrun(clone: Path) -> None:
    before = (clone / "models/optical/clip/training.json").read_text()
    edit(clone / "params.yaml", {"hardware.processes": 2, "hardware.threads": 1})
    answer = run(clone, "-m", "flows.pretrain", "clip")
    assert answer.returncode == 0, answer.stderr[-3000:]
    after = json.loads((clone / "models/optical/clip/training.json").read_text())
    assert after["hardware"]["processes"] == 2
    assert after["steps"] == json.loads(before)["steps"]


def test_two_hosts_train_as_one_with_two_processes(clone: Path, tmp_path: Path) -> None:
    """A second clone that has its data by `dvc pull` trains along; the first host's stage alone writes and reports."""
    weights, second = clone / "models/optical/clip/model.safetensors", tmp_path / "second"
    on_one_host = weights.read_bytes()
    weights.unlink()
    for command in (
        [sys.executable, "-m", "dvc", "remote", "add", "--default", "storage", str(tmp_path / "remote")],
        [sys.executable, "-m", "dvc", "push", "--with-deps", "validate@optical"],
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--all", "--message=two"],
        ["git", "clone", "--quiet", str(clone), str(second)],
    ):
        subprocess.run(command, cwd=clone, env=environment(clone), check=True, capture_output=True)
    pulled = run(second, "-m", "dvc", "pull", "--with-deps", "validate@optical")
    assert pulled.returncode == 0, pulled.stderr[-2000:]

    hosts = {"PET_NNODES": "2", "PET_RDZV_ENDPOINT": f"127.0.0.1:{free_port()}"}
    stage = [sys.executable, "-m", "flows.pretrain", "clip"]
    with (tmp_path / "second.log").open("w") as log:
        other = subprocess.Popen(
            stage, cwd=second, env=environment(second) | hosts | {"PET_NODE_RANK": "1"}, stdout=log, stderr=log
        )
        try:
            first = run(clone, *stage[1:], **hosts, PET_NODE_RANK="0")
            other.wait(timeout=60)
        finally:
            other.kill()
    assert (first.returncode, other.returncode) == (0, 0), first.stderr[-3000:] + (tmp_path / "second.log").read_text()
    assert weights.read_bytes() == on_one_host
    assert not (second / "models").exists()
    assert not (second / ".state/mlflow.db").exists()
    assert not (second / ".state/prefect").exists()
