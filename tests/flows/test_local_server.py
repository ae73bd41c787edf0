"""The project's own Prefect server: started once, reused, never another checkout's, ended on request."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from flows import server

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
STAGE = """
from prefect import flow
from flows.stage import main, progress, step, table
from tasks import tracking

def work(name: str, show) -> int:
    if name == "bad":
        raise ValueError("no source 'bad': take a good one")
    show({"align/progress_percent": 25.0})
    show({"train/loss": 1.0})
    show({"progress_percent": 26.0})  # too soon to be worth a message
    show({"progress_percent": 100.0})
    return len(name)

@flow(name="probe", flow_run_name="probe@{name}")
def probe(name: str) -> None:
    with tracking.run(f"download@{name}", experiment="probe", settings={"a": {"b": 1}}) as run:
        show = progress("probe", description="how far")
        run.log({"length": step(work)(name, show)})
        table("probe", [{"name": name}], description="a table")

if __name__ == "__main__":
    main(probe, "NAME")
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with its own state, and no server of anybody else's in the environment."""
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (tmp_path / "params.yaml").write_text("sources: {good: sar, bad: sar}\n")
    (tmp_path / "probe.py").write_text(STAGE)
    for key in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "SAR_TEXT_STATE", "DVC_ROOT"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("SAR_TEXT_TRACKING", "on")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    server.stop()


def run_stage(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "probe.py", name], capture_output=True, text=True, check=False)


def test_a_stage_reports_to_a_server_that_the_next_one_reuses(checkout: Path) -> None:
    first = run_stage("good")
    assert first.returncode == 0, first.stderr
    url = server.running()
    assert url is not None
    assert url.startswith("http://127.0.0.1:")
    assert "Prefect server started: " + url.removesuffix("/api") in first.stdout

    with urllib.request.urlopen(f"{url.removesuffix('/api')}/ui-settings", timeout=10) as answer:
        assert json.load(answer)["api_url"] == url, "the pages in the browser must ask this very server"

    second = run_stage("bad")
    assert second.returncode == 1
    assert "error: no source 'bad': take a good one" in second.stderr
    assert "Traceback" not in second.stdout + second.stderr
    assert "Prefect server started" not in second.stdout
    assert server.running() == url

    seen = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "ls", "--output", "json"],
        capture_output=True, text=True, check=True, env={**os.environ, "PREFECT_API_URL": url},
    )  # fmt: skip
    states = {run["name"]: run["state_type"] for run in json.loads(seen.stdout)}
    assert states == {"probe@good": "COMPLETED", "probe@bad": "FAILED"}

    shown = subprocess.run(
        [sys.executable, "-m", "prefect", "artifact", "inspect", "probe-progress", "--output", "json"],
        capture_output=True, text=True, check=True, env={**os.environ, "PREFECT_API_URL": url},
    )  # fmt: skip
    assert sorted(artifact["data"] for artifact in json.loads(shown.stdout)) == [0.0, 100.0]  # of bad, and of good

    from tasks import tracking

    experiment = tracking.client().get_experiment_by_name("probe")
    runs = {run.info.run_name: run for run in tracking.client().search_runs([experiment.experiment_id])}
    assert runs["download@good"].info.status == "FINISHED"
    assert runs["download@bad"].info.status == "FAILED"
    assert runs["download@good"].data.metrics == {"length": 4.0}
    assert runs["download@good"].data.params == {"a.b": "1"}
    assert (checkout / ".state" / "mlflow.db").is_file()

    process = psutil.Process(json.loads((checkout / ".state/prefect/server.json").read_text())["pid"])
    assert server.stop()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert server.running() is None
    assert not server.stop()


@pytest.mark.parametrize("later_s", [0.0, 3600.0])
def test_a_process_that_only_has_the_same_id_is_not_our_server(checkout: Path, later_s: float) -> None:
    folder = checkout / ".state" / "prefect"
    folder.mkdir(parents=True)
    me = psutil.Process()
    known = {
        "pid": me.pid, "started": me.create_time() - later_s, "ends_with": ["--port", "1"] if not later_s else
        me.cmdline()[-2:], "address": "http://127.0.0.1:1/api",
    }  # fmt: skip
    (folder / "server.json").write_text(json.dumps(known))
    assert server.running() is None
    assert not server.stop()


def test_a_given_server_is_used_as_it_is(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:  # answers 501, but answers
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}/api"
        monkeypatch.setenv("PREFECT_API_URL", url)
        assert server.address() == url
        other.shutdown()
    assert not (checkout / ".state" / "prefect" / "server.json").exists()
