"""Commands of DVC: what they say, how they fail, and that they can be ended."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tasks import dvc_process
from tasks.plan import plan

ROOT = Path(__file__).resolve().parents[2]
DVC_YAML = """
stages:
  good: {cmd: "echo first; echo a > good.out", outs: [good.out]}
  bad: {cmd: "for i in $(seq 50); do echo line $i; done; exit 3", outs: [bad.out]}
  slow: {cmd: "echo $$ > slow.pid; sleep 600", outs: [slow.out]}
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return tmp_path


def stage_in(tree: Path) -> psutil.Process:
    pid = tree / "slow.pid"
    for _ in range(600):
        if pid.is_file() and pid.read_text():
            return psutil.Process(int(pid.read_text()))
        time.sleep(0.1)
    raise AssertionError("the stage did not begin")


def test_every_line_is_shown(tree: Path) -> None:
    said: list[str] = []
    dvc_process.run("repro", "--single-item", "good", what="good", tree=tree, show=said.append)
    assert "first" in said
    assert (tree / "good.out").read_text() == "a\n"


def test_a_failure_tells_the_last_lines(tree: Path) -> None:
    with pytest.raises(ValueError, match=r"^bad failed; its last lines:\n") as failed:
        dvc_process.run("repro", "--single-item", "bad", what="bad", tree=tree, show=lambda line: None)
    lines = str(failed.value).splitlines()[1:]
    assert len(lines) == dvc_process.LAST_LINES
    assert "line 50" in lines
    assert "line 1" not in lines


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(tree: Path) -> None:
    process = dvc_process.DvcProcess("repro", "--single-item", "slow", what="slow", tree=tree, timeout_s=10)
    stage = stage_in(tree)
    with pytest.raises(ValueError, match=r"^slow ran longer than its 10 s"):
        process.follow(lambda line: None)
    assert psutil.wait_procs([stage], timeout=30)[1] == []


def test_what_outlived_its_program_is_ended(tree: Path) -> None:
    started = "DvcProcess('repro', '--single-item', 'slow', what='slow', tree=Path.cwd()).follow(print)"
    program = subprocess.Popen(
        [sys.executable, "-c", f"from pathlib import Path; from tasks.dvc_process import DvcProcess; {started}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    stage = stage_in(tree)
    program.kill()
    program.wait()
    dvc_process.end_left_behind(tree, stage="good")
    dvc_process.end_left_behind(tree.parent)
    assert stage.is_running()
    with pytest.raises(ValueError, match="another command of DVC is at work"):
        plan()
    dvc_process.end_left_behind(tree)
    assert psutil.wait_procs([stage], timeout=30)[1] == []
    assert {stage.name for stage in plan()} == {"good", "bad", "slow"}


def test_a_list_that_is_damaged_is_told(tree: Path) -> None:
    (tree / ".dvc/tmp").mkdir(exist_ok=True)
    (tree / ".dvc/tmp/rwlock").write_text('{"write": [')
    with pytest.raises(ValueError, match="rwlock is damaged"):
        dvc_process.end_left_behind(tree)
