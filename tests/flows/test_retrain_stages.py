"""Stages of a retrain as deployment runs: a real Prefect server, workers of two clones with a DVC cache each, a git
remote and a DVC remote between them."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import yaml
from clones import edit, environment, run, small_clone
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelling, Crashed, Scheduled
from waiting import until

from flows import gpu, processes
from flows.deploy import client, online_workers

pytestmark = pytest.mark.e2e
# `left` and `right` each wait for the other to begin: one after the other they would never end.
DVC_YAML = """
stages:
  left:
    cmd: >-
      touch {flags}/left.began; pwd > {flags}/left.where;
      until test -e {flags}/right.began; do sleep 0.1; done;
      if test -e {flags}/left.fails; then echo the reason; exit 7; fi;
      cp left.in left.out; echo 1 > left.json
    deps: [left.in]
    outs: [left.out]
    metrics: [left.json: {{cache: false}}]
  right:
    cmd: >-
      touch {flags}/right.began; until test -e {flags}/left.began; do sleep 0.1; done;
      while test -e {flags}/right.held; do sleep 0.1; done; echo ran >> {flags}/right.ran; cp right.in right.out
    deps: [right.in]
    outs: [right.out]
    params: [hardware]
  joined:
    cmd: >-
      echo $$ > {flags}/joined.pid; pwd > {flags}/joined.where;
      while test -e {flags}/joined.held; do sleep 0.1; done; cat left.out left.json right.out > joined.out
    deps: [left.out, left.json, right.out]
    outs: [joined.out]
"""
WHOLE = """
from prefect import flow
from flows.repro import dvc_repro
from flows.stage import main

@flow(name="whole")
def whole() -> None:
    dvc_repro(on_workers={on_workers})

main(whole)
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def dvc(folder: Path, *arguments: str) -> None:
    answer = run(folder, "-m", "dvc", *arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr


class Places:
    """Two clones, `first` with the retrain and the servers, and what lies between them."""

    def __init__(self, folder: Path) -> None:
        self.first, self.second, self.flags = folder / "first", folder / "second", folder / "flags"
        self.flags.mkdir()
        small_clone(self.first)
        (self.first / "dvc.yaml").write_text(DVC_YAML.format(flags=self.flags))
        (self.first / "dvc.lock").unlink()
        edit(self.first / "params.yaml", {"hardware.device": "cuda"})
        for side in ("left", "right"):
            (self.first / f"{side}.in").write_text(f"{side}\n")
        timeouts = {"cpu": {"left": 600, "joined": 600}, "gpu": {"right": 600}}
        prefect = yaml.safe_load((self.first / "prefect.yaml").read_text())
        for deployment in prefect["deployments"]:
            if "timeouts_s" in deployment.get("parameters", {}):
                deployment["parameters"]["timeouts_s"] = timeouts[deployment["name"]]
        (self.first / "prefect.yaml").write_text(yaml.safe_dump(prefect, sort_keys=False))
        dvc(self.first, "remote", "add", "--default", "storage", str(folder / "storage"))
        git(self.first, "add", "--all")
        git(self.first, "commit", "--quiet", "--message=three stages")
        git(folder, "clone", "--quiet", "--bare", str(self.first), "between.git")
        git(self.first, "remote", "set-url", "origin", str(folder / "between.git"))
        git(folder, "clone", "--quiet", str(folder / "between.git"), str(self.second))
        started = run(self.first, "-m", "flows.cli", "up")
        assert started.returncode == 0, started.stdout + started.stderr
        self.url = json.loads((self.first / ".state/prefect/server.json").read_text())["address"]
        prepared = run(self.first, "-c", "from tasks.retrain import steps; steps.prepare(None)")
        assert prepared.returncode == 0, prepared.stderr
        self.tree = self.first / ".state/retrain/tree"

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **environment(self.first),
            "SAR_TEXT_STATE": str(self.first / ".state"),
            "PREFECT_API_URL": self.url,
        } | more

    def start(self, *arguments: str, folder: Path | None = None, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=folder or self.tree, env=self.environment(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def train(self) -> "subprocess.Popen[str]":
        return self.start("-c", "from tasks.retrain import steps; steps.train()", folder=self.first)

    @contextmanager
    def worker_of_second(self) -> Iterator[None]:
        """A worker for the pool `cpu` on the other machine, which has nothing but git and the DVC remote in common."""
        theirs = environment(self.second) | {
            "PREFECT_API_URL": self.url, "SAR_TEXT_ROOT": str(self.second), "SAR_TEXT_GIT_REMOTE": "origin",
        }  # fmt: skip
        file = self.second / "worker.json"
        processes.start(
            "prefect", ["worker", "start", "--type", "process", "--name", "second", "--pool", "cpu"],
            file=file, log=self.second / "worker.log", environment=theirs, address="pool cpu",
            ready=lambda: "second" in online_workers("cpu", api_url=self.url),
        )  # fmt: skip
        try:
            yield
        finally:
            processes.stop(file)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    there = Places(folder)
    yield there
    run(there.first, "-m", "flows.cli", "down")


def test_a_failed_stage_is_told_with_its_last_lines_and_the_one_beside_it_ends(places: Places) -> None:
    for flag in ("left.fails", "right.held"):
        (places.flags / flag).touch()
    training = places.train()
    with client(places.url) as prefect:
        until((places.flags / "right.began").exists)
        assert prefect.read_global_concurrency_limit_by_name(gpu.limit_name()).active_slots == 1
        until((places.flags / "left.began").exists)
        (places.flags / "right.held").unlink()
        out, errors = training.communicate(timeout=300)
        assert training.returncode == 1, out
        assert re.search(r"ValueError: left did not complete, but is Failed: .*left failed; its last lines:", errors)
        assert "the reason" in errors.rpartition("ValueError: ")[2]
        assert prefect.read_global_concurrency_limit_by_name(gpu.limit_name()).active_slots == 0
    assert (places.tree / "right.out").read_text() == "right\n"
    assert not (places.tree / "joined.out").exists()


def test_the_next_goes_on_from_there_and_a_stage_can_be_cancelled_by_itself(places: Places) -> None:
    (places.flags / "left.fails").unlink()
    (places.flags / "joined.held").touch()
    training = places.train()
    until((places.flags / "joined.pid").exists)
    stage = psutil.Process(int((places.flags / "joined.pid").read_text()))
    found = re.findall(r"joined is sent to pool cpu: flow run (\S+)", _read(training, "joined is sent"))
    with client(places.url) as prefect:
        prefect.set_flow_run_state(UUID(found[0]), Cancelling())
        _, errors = training.communicate(timeout=300)
        assert re.search(r"ValueError: joined did not complete, but is Cancelled", errors)
    assert psutil.wait_procs([stage], timeout=30)[1] == []
    assert (places.flags / "right.ran").read_text() == "ran\n", "it was done, and was not run again"
    (places.flags / "joined.held").unlink()


def test_another_machine_runs_a_stage_in_a_clone_of_its_own_and_a_dead_run_is_started_again(places: Places) -> None:
    assert processes.stop(places.first / ".state/workers/cpu.json")
    (places.flags / "joined.held").touch()
    (places.flags / "joined.pid").unlink()
    (places.tree / "left.in").write_text("other\n")
    with places.worker_of_second():
        whole = places.start("-c", WHOLE.format(on_workers=True), SAR_TEXT_GIT_REMOTE="origin")
        pid = places.flags / "joined.pid"
        until(lambda: pid.is_file() and pid.read_text())
        psutil.Process(int(pid.read_text())).parent().parent().kill()  # the flow run: its stage outlives it
        said = _read(whole, "joined crashed, and is started once more")
        (places.flags / "joined.held").unlink()
        out, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, said + out + errors
    assert (places.tree / "joined.out").read_text() == "other\n1\nright\n"
    assert (places.tree / "left.json").read_text() == "1\n"
    for stage in ("left", "joined"):
        ran = Path((places.flags / f"{stage}.where").read_text().strip())
        assert ran == places.second / ".state/retrain/stages" / stage
        assert not ran.exists()
    assert (places.flags / "right.ran").read_text() == "ran\n", "what was done on one machine is done on the other"
    assert git(places.first, "ls-remote", "origin", "refs/sar-text/*") == ""
    status = run(places.tree, "-m", "dvc", "status", "--json")
    assert json.loads(status.stdout) == {}, "dvc.lock tells what was built there"


def test_stages_here_wait_for_a_gpu_that_another_run_holds(places: Places) -> None:
    for flag in ("right.ran", "left.began"):
        (places.flags / flag).unlink()
    for side in ("left", "right"):
        (places.tree / f"{side}.in").write_text("third\n")
    with client(places.url) as prefect:
        prefect.increment_concurrency_slots([gpu.limit_name()], 1, "concurrency")
        whole = places.start("-c", WHOLE.format(on_workers=False), SAR_TEXT_LANES="2")
        until((places.flags / "left.began").exists)  # both are started at once, where nothing is waited for
        (places.flags / "right.began").unlink()
        time.sleep(2 * gpu.LOOK_S)
        assert not (places.flags / "right.began").exists()
        prefect.release_concurrency_slots([gpu.limit_name()], 1, occupancy_seconds=1.0)
    out, errors = whole.communicate(timeout=300)
    assert whole.returncode == 0, out + errors
    assert (places.tree / "joined.out").read_text() == "third\n1\nthird\n"


def test_the_gate_waits_for_a_gpu_that_another_run_holds(places: Places) -> None:
    with client(places.url) as prefect:
        prefect.increment_concurrency_slots([gpu.limit_name()], 1, "concurrency")
        gate = places.start("-m", "flows.cli", "gate", "sar-rs-clip", "--dry-run")
        with pytest.raises(subprocess.TimeoutExpired):
            gate.wait(timeout=4 * gpu.LOOK_S)
        prefect.release_concurrency_slots([gpu.limit_name()], 1, occupancy_seconds=1.0)
    _, errors = gate.communicate(timeout=300)
    assert gate.returncode == 1
    assert "`sar-text register` does it" in errors, "then it looked for what it should judge"


def test_a_crashed_run_is_started_again_and_counts_until_it_gives_up(places: Places) -> None:
    with client(places.url) as prefect:
        deployment = prefect.read_deployment_by_name("retrain/retrain")
        later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1))
        asked = {"crashes": 2, "revision": "main", "dry_run": True}
        first = prefect.create_flow_run_from_deployment(deployment.id, parameters=asked, state=later)
        prefect.set_flow_run_state(first.id, Crashed(), force=True)
        runs = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))

        def again() -> list[FlowRun]:
            found = prefect.read_flow_runs(flow_run_filter=runs)
            return [run for run in found if run.parameters == asked | {"crashes": 3} and run.state.is_final()]

        until(again)
        assert again()[0].state.is_failed()
        assert "it crashed 3 times in a row" in again()[0].state.message


def _read(process: "subprocess.Popen[str]", to: str) -> str:
    """What it printed, up to the line that begins with `to`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(to):
            break
    return said
