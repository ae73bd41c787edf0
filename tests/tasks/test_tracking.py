"""Where runs go, and what is said when they cannot."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import tracking

ROOT = Path(__file__).resolve().parents[2]


def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:s3cr:et@db.example:5432/runs")
    assert tracking.shown_uri() == "postgresql://mlflow:***@db.example:5432/runs"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000/a:b@c")
    assert tracking.shown_uri() == tracking.uri()


def test_a_server_that_does_not_answer_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as reserved:  # bound and not listening: every connection is refused
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(ValueError, match=r"does not answer.*unset MLFLOW_TRACKING_URI"):
            tracking.client()


@pytest.mark.parametrize("address", ["runs", "foo://x"])
def test_what_is_no_store_is_one_clear_error(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(ValueError, match=rf"^MLFLOW_TRACKING_URI is {address}, where no runs can be kept"):
        tracking.client()


def test_a_store_that_is_no_database_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    (tmp_path / "mlflow.db").write_text("garbage")
    with pytest.raises(ValueError, match=r"mlflow\.db is damaged, or no SQLite database: move it"):
        tracking.client()
    (tmp_path / "mlflow.db").unlink()
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(ValueError, match=r"mlflow\.db is a folder"):
        tracking.client()


@pytest.mark.e2e
def test_stages_that_begin_together_share_a_new_store(tmp_path: Path) -> None:
    """MLflow alone fails here: each process makes the tables, and each the experiment."""
    script = "from tasks import tracking\nwith tracking.run('evaluate', experiment='new') as run: run.log({'x': 1.0})"
    environment = {key: value for key, value in os.environ.items() if key not in ("MLFLOW_TRACKING_URI", "DVC_ROOT")}
    environment |= {"SAR_TEXT_TRACKING": "on", "SAR_TEXT_STATE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    begun = [
        subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in begun:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said[-3000:]

    from mlflow import MlflowClient

    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("new").experiment_id])
    assert [run.info.status for run in runs] == ["FINISHED"] * 3


def test_metrics_know_their_model_and_their_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("SAR_TEXT_TRACKING", "on")
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "dvc.yaml").write_text("stages: {evaluate: {cmd: x, deps: [data/sar_text]}}")
    built = {"models/two_stage/clip": "1" * 32 + ".dir", "data/sar_text": "2" * 32 + ".dir"}
    outs = [{"path": path, "md5": digest} for path, digest in built.items()]
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"x": {"outs": outs}}}))
    for _ in range(2):
        with tracking.run("evaluate", experiment="attached") as run:
            run.log_of([("a.recall", 1.5), ("b.recall", 2.5)], model="models/two_stage/clip", data="data/sar_text")
            run.log_of([("c.recall", 3.5)], model="models/initial/clip", data="data/sar_text")

    client = tracking.client()
    assert run.run_id is not None
    found = client.get_run(run.run_id)
    assert found.data.metrics == {"a.recall": 1.5, "b.recall": 2.5, "c.recall": 3.5}
    (data,) = [given.dataset for given in found.inputs.dataset_inputs]
    assert (data.name, data.digest) == ("data/sar_text", built["data/sar_text"])
    (model,) = client.search_logged_models(experiment_ids=[found.info.experiment_id])
    assert [given.model_id for given in found.inputs.model_inputs] == [model.model_id], "one entry for equal weights"
    assert model.tags["dvc.weights"] == built["models/two_stage/clip"]
    attached = {(metric.key, metric.value, metric.dataset_digest) for metric in model.metrics}
    assert attached == {("a.recall", 1.5, data.digest), ("b.recall", 2.5, data.digest)}


def test_a_run_whose_process_was_killed_is_ended_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("SAR_TEXT_TRACKING", "on")
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "dvc.yaml").write_text("stages: {evaluate: {cmd: x, deps: []}}")
    host, _, started = tracking.this_process().rsplit(" ", 2)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    writers = {
        "killed": f"{host} {gone.pid} {started}", "id given anew": f"{host} {os.getpid()} 17",
        "alive": tracking.this_process(), "elsewhere": f"{host}.other {gone.pid} {started}", "older": "",
    }  # fmt: skip
    experiment = tracking.experiment_id("open")
    left = {
        name: tracking.client().create_run(experiment, run_name="evaluate", tags={tracking.PROCESS: writer})
        for name, writer in writers.items()
    }
    other = tracking.client().create_run(experiment, run_name="narrate@a", tags={tracking.PROCESS: writers["killed"]})
    with tracking.run("evaluate", experiment="open"):
        pass

    status = {name: tracking.client().get_run(run.info.run_id).info.status for name, run in left.items()}
    assert {name for name, found in status.items() if found == "KILLED"} == {"killed", "id given anew"}
    assert tracking.client().get_run(other.info.run_id).info.status == "RUNNING", "another stage ends its own"
