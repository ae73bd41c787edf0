"""Champions changed by two processes at once: one after the other, on one machine and on two."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from flows import mlflow_server
from tasks import tracking
from tasks.registry import promote, turn, versions
from tasks.registry.versions import CHAMPION

ROOT = Path(__file__).resolve().parents[3]
NAME = "sar-rs-clip"
VERSIONS = ("1", "2", "3")
PROMOTER = f"""
import sys
from tasks.registry import promote, versions
who = sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    champion = versions.alias("{NAME}", "champion")
    wanted = next(each for each in ("1", "2", "3") if each != champion)
    try:
        change = promote.promote("{NAME}", wanted, by=who, reason="in a race", force=True)
        print(change.version, "after", change.previous, flush=True)
    except ValueError as error:  # the other made the same one champion in between
        print(error, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A registry with three versions of one model."""
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "one"))
    client = tracking.client()
    client.create_registered_model(NAME)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").touch()
    for _ in VERSIONS:
        client.create_model_version(NAME, source=(tmp_path / "model").as_uri())
    return address


def race(monkeypatch: pytest.MonkeyPatch, states: dict[str, Path], *, rounds: int) -> list[str]:
    """What promoters with these names and states say; they begin together."""
    racers = []
    for who, state in states.items():
        monkeypatch.setenv("SAR_TEXT_STATE", str(state))
        command = [sys.executable, "-c", PROMOTER, who, str(rounds)]
        pipe = subprocess.PIPE
        racers.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = []
    for racer in racers:
        out, err = racer.communicate(timeout=120)
        assert racer.returncode == 0, err
        said += out.splitlines()
    assert len(said) == len(states) * rounds
    return said


def check_the_history(said: list[str]) -> None:
    """Every success stands in it, each after the one before; the last is the champion."""
    done = promote.history(NAME)
    assert sorted(line for line in said if " after " in line) == sorted(
        f"{change.version} after {change.previous}" for change in done
    )
    assert len(done) >= 2
    assert [line for line in said if " after " not in line and not line.endswith("is the champion already")] == []
    assert [(change.number, change.done) for change in done] == [(number + 1, True) for number in range(len(done))]
    assert [change.previous for change in done] == [None, *(change.version for change in done[:-1])]
    assert done[-1].version == versions.alias(NAME, CHAMPION)


def test_processes_of_one_machine_take_turns(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_the_history(race(monkeypatch, {"Ada": tmp_path / "one", "Bob": tmp_path / "two"}, rounds=6))


@pytest.mark.e2e
def test_machines_that_share_a_server_take_turns(store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two folders of state stand for two machines: no file lock is common to them."""
    address = mlflow_server.ensure(host="127.0.0.1", port=0, database=store, passwords=False)
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        left = tracking.client().create_registered_model(turn.LOCK, description=f"{platform.node()}:{tmp_path / 'one'}")
        check_the_history(race(monkeypatch, {"Ada": tmp_path / "one", "Bob": tmp_path / "two"}, rounds=3))
        names = [model.name for model in tracking.client().search_registered_models()]
        assert (left.name, names) == (turn.LOCK, [NAME]), "what a killed command left was taken away"

        tracking.client().create_registered_model(turn.LOCK, description="elsewhere:/state")
        monkeypatch.setattr(turn, "PATIENCE_S", 0.5)
        with pytest.raises(ValueError, match="another command on elsewhere:/state has been changing a champion"):
            promote.rollback(NAME, by="Ada", reason="why")
        monkeypatch.setattr(turn, "DEAD_AFTER_S", 0.1)
        assert promote.rollback(NAME, by="Ada", reason="why").done

        code = f"from tasks import tracking; at = tracking.download('models:/{NAME}/1'); print(at, at.is_dir())"
        told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        copy, there = told.stdout.rsplit(maxsplit=1)
        assert there == "True"
        assert not Path(copy).exists(), "a server's models are not left on the disk of who looked at them"
        assert (tmp_path / "model" / "weights").is_file()
    finally:
        monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "one"))
        mlflow_server.stop()


def test_who_does_not_let_go_is_not_waited_for_without_end(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", "from tasks.registry.turn import turn\nwith turn(): print('held', flush=True); input()"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr(turn, "PATIENCE_S", 0.2)
        with pytest.raises(ValueError, match="another command of this machine has been changing a champion"):
            promote.promote(NAME, "1", by="Ada", reason="why", force=True)
    finally:
        holder.kill()
        holder.communicate()
    monkeypatch.setattr(turn, "PATIENCE_S", 20.0)
    assert promote.promote(NAME, "1", by="Ada", reason="why", force=True).done, "who was killed holds nothing"
