"""DVC's lock file, cut short: DVC alone refuses all work with it; a sound one stays."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import torn_lock
from tasks.plan import plan


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "dvc", "init", "--quiet"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text("stages: {make: {cmd: echo made > out, outs: [out]}}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / ".dvc/tmp").mkdir(exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("left", ["", '{"write": {"/a/o'])
def test_what_was_cut_short_stops_nothing(left: str, project: Path) -> None:
    (project / ".dvc/tmp/rwlock").write_text(left)
    command = [sys.executable, "-m", "dvc", "repro"]
    stopped = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert "RWLock-file" in stopped.stderr, "DVC does not help itself"
    assert [stage.name for stage in plan()] == ["make"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


def test_a_sound_one_and_none_stay(project: Path) -> None:
    torn_lock.drop(project)
    file = project / ".dvc/tmp/rwlock"
    assert not file.exists()
    file.write_text(json.dumps({"write": {}, "read": {}}))
    torn_lock.drop(project)
    assert json.loads(file.read_text()) == {"write": {}, "read": {}}
