"""The pipeline as one flow: what DVC calls out of date, side by side where nothing stands between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from dvc.repo import Repo

from flows import here, repro
from tasks import gone_stages
from tasks.plan import Planned, plan

ROOT = Path(__file__).resolve().parents[2]
# `left` and `right` each wait for the other to begin: one after the other they would fail.
MEET = (
    "touch {0}.began; for i in $(seq 600); do test -e {1}.began && cp {0}.in {0}.out && exit; sleep 0.1; done; exit 1"
)
DVC_YAML = f"""
stages:
  left:
    cmd: {MEET.format("left", "right")}
    deps: [left.in]
    outs: [left.out]
  right:
    cmd: {MEET.format("right", "left")}
    deps: [right.in]
    outs: [right.out]
    params: [hardware]
  joined:
    cmd: cat left.out right.out > joined.out
    deps: [left.out, right.out]
    outs: [joined.out]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three stages."""
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "sources", tmp_path / "sources")
    for side in ("left", "right"):
        (tmp_path / f"{side}.in").write_text(f"{side}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("SAR_TEXT_LANES", "2")
    return tmp_path


def test_stages_run_side_by_side_then_what_waits_for_them_then_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repro.dvc_repro()
    assert (project / "joined.out").read_text() == "left\nright\n"
    said = capsys.readouterr().out.splitlines()
    ran = [line.split("'")[1] for line in said if "Running stage" in line]
    assert (set(ran[:2]), ran[2]) == ({"left", "right"}, "joined")
    assert {line.split(" |")[0].strip() for line in said if " |" in line} == {"left", "right", "joined"}
    assert [line for line in said if "|" not in line and line][-1] == "3 of 3 stages done"

    repro.dvc_repro()
    assert capsys.readouterr().out == "every stage is up to date\n"


def test_a_change_runs_what_follows_from_it_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repro.dvc_repro()
    (project / "left.in").write_text("other\n")
    assert [(stage.name, stage.after) for stage in plan()] == [("left", frozenset()), ("joined", frozenset({"left"}))]
    capsys.readouterr()
    repro.dvc_repro()
    assert (project / "joined.out").read_text() == "other\nright\n"
    assert "right'" not in capsys.readouterr().out


def test_a_stage_that_is_no_more_leaves_the_lock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repro.dvc_repro()
    before = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    left = yaml.safe_load(DVC_YAML)["stages"]
    joined = left.pop("joined")
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": left}))
    capsys.readouterr()
    repro.dvc_repro()
    said = capsys.readouterr().out
    assert said == "no stage any more, so no longer in dvc.lock: joined\nevery stage is up to date\n"
    lock = (project / "dvc.lock").read_bytes()
    assert yaml.safe_load(lock)["stages"] == {name: before[name] for name in ("left", "right")}
    repro.dvc_repro()
    assert (project / "dvc.lock").read_bytes() == lock
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": left | {"joined": joined}}))
    assert [stage.name for stage in plan()] == ["joined"]


def test_while_another_command_of_dvc_is_at_work_the_lock_stays_as_it_is(project: Path) -> None:
    repro.dvc_repro()
    before = (project / "dvc.lock").read_bytes()
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {}}))
    with Repo(str(project)) as other, other.lock, pytest.raises(ValueError, match="run this again when it has ended"):
        gone_stages.drop(project)
    assert (project / "dvc.lock").read_bytes() == before


def test_a_failed_stage_is_named_and_nothing_behind_it_starts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "dvc.yaml").write_text(DVC_YAML.replace(MEET.format("left", "right"), "touch left.began; exit 1"))
    with pytest.raises(ValueError, match=r"^left failed"):
        repro.dvc_repro()
    assert "Running stage 'joined'" not in capsys.readouterr().out
    assert [stage.name for stage in plan()] == ["left", "joined"]  # what ran beside it is done and kept


def test_a_source_that_is_not_described_stops_it_before_anything_runs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("sim_twins: optical", "sim_twinz: optical"))
    with pytest.raises(ValueError, match=r"no source 'sim_twinz': .*`sar-text sources` lists"):
        repro.dvc_repro()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("file", ["dvc.lock", "dvc.yaml", ".dvc/config"])
def test_what_dvc_cannot_read_is_one_clear_error(file: str, project: Path) -> None:
    (project / file).write_text("][")
    with pytest.raises(ValueError, match=rf"^DVC cannot read the pipeline in {project}: .*`dvc status`"):
        plan()


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(ValueError, match="not inside of a DVC repository"):
        plan()


def test_an_output_that_is_gone_comes_back_from_the_cache(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repro.dvc_repro()
    (project / "joined.out").unlink()
    capsys.readouterr()
    repro.dvc_repro()
    assert (project / "joined.out").read_text() == "left\nright\n"
    assert "Running stage" not in capsys.readouterr().out


def test_an_interrupt_ends_the_stages_too(project: Path) -> None:
    (project / "dvc.yaml").write_text(DVC_YAML.replace(MEET.format("left", "right"), "echo $$ > left.pid; sleep 600"))
    command = [sys.executable, "-c", "from flows.repro import dvc_repro; dvc_repro()"]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored where tests run in the background
    )  # fmt: skip
    stage = _process_of(project / "left.pid")
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert psutil.wait_procs([stage], timeout=30)[1] == []
    assert [stage.name for stage in plan()] == ["left", "right", "joined"]  # no lock is left behind


def _process_of(pid_file: Path) -> psutil.Process:
    for _ in range(600):
        if pid_file.is_file() and pid_file.read_text().strip():
            return psutil.Process(int(pid_file.read_text()))
        time.sleep(0.1)
    raise AssertionError("the stage did not begin")


def test_another_run_is_named_and_not_taken_for_damage(project: Path) -> None:
    held = {"write": {str(project / "left.out"): {"pid": os.getppid(), "cmd": "dvc repro left"}}}
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text(json.dumps(held))
    with pytest.raises(ValueError, match=r"^another command of DVC is at work.*left\.out' is busy"):
        plan()


def test_only_stages_with_the_hardware_setting_use_the_device(project: Path) -> None:
    assert {stage.name for stage in plan() if stage.uses_device} == {"right"}


def stage(name: str, behind: int, *after: str, device: bool = False) -> Planned:
    return Planned(name, frozenset(after), behind, device)


def test_the_stage_with_the_most_behind_it_goes_first() -> None:
    waiting = {each.name: each for each in (stage("short", 1), stage("long", 3), stage("blocked", 9, "long"))}
    assert repro._next(waiting, {}, False) == waiting["long"]


def test_a_device_serves_one_stage_at_a_time() -> None:
    from concurrent.futures import Future

    waiting = {each.name: each for each in (stage("train", 5, device=True), stage("read", 1))}
    busy: dict[Future[None], Planned] = {Future(): stage("other", 5, device=True)}
    assert repro._next(waiting, busy, True) == waiting["read"]
    assert repro._next(waiting, busy, False) == waiting["train"]
    assert repro._next({"train": waiting["train"]}, busy, True) is None


@pytest.mark.parametrize("lanes", ["0", "two", "-1", "1.5", ""])
def test_a_bad_number_of_lanes_is_refused(lanes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_LANES", lanes)
    with pytest.raises(ValueError, match="SAR_TEXT_LANES is"):
        here.lanes(1)


def test_lanes_follow_from_processors_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAR_TEXT_LANES", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [here.lanes(threads) for threads in (1, 3, 16)] == [8, 2, 1]
