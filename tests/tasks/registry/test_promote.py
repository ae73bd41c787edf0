"""Changes of champion in a real registry: recorded, completed after a kill, never to a version that did not pass."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.promote import settle
from sar_models.metrics.bootstrap import Interval
from tasks import tracking
from tasks.gate.decision import Decision, Measured, Outcome, Reason, record
from tasks.registry import promote, versions
from tasks.registry.versions import CHAMPION

NAME = "sar-rs-clip"
WHO = {"by": "Ada", "reason": "better in the harbour"}
WRITES = ("set_", "update_", "delete_")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('registry') / 'mlflow.db'}"


@pytest.fixture
def client(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A registry with three versions of one model."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    client = tracking.client()
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, source=tmp_path.as_uri())
    yield client
    client.delete_registered_model(NAME)


def decision(version: str, *, against: str | None = None, outcome: Outcome = "passed") -> Decision:
    difference = Interval(2.0, 1.0, 3.0, 100)
    reasons = (Reason("better", outcome == "passed", "mean_recall on SAR, “+2”"),)
    measured = (Measured("sar", "mean_recall", 12.0, 10.0, difference, 1.5),)
    return Decision(NAME, version, against, outcome, reasons, measured, {"sar": "1" * 32 + ".dir"})


def champion() -> str | None:
    return versions.alias(NAME, CHAMPION)


def check_the_champion_passed() -> None:
    """The invariant: who is champion carries a whole passing decision."""
    if (number := champion()) is not None:
        tags = versions.version(NAME, number).tags
        assert tags["gate.decision"] == "passed"
        assert {"gate.reasons", "gate.metrics", "gate.against", "gate.test_sets"} <= set(tags)


class Killed(Exception):
    pass


class Dying:
    """The client, until it has written `calls` times: the next write never reaches the registry."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client, self.left = client, calls

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(WRITES):
            return getattr(self._client, name)

        def write(*arguments: Any, **named: Any) -> Any:
            if self.left == 0:
                raise Killed
            self.left -= 1
            return getattr(self._client, name)(*arguments, **named)

        return write


def broken_off(monkeypatch: pytest.MonkeyPatch, client: Any, calls: int, work: Any) -> bool:
    """Do `work`, killed before its write number `calls`; false when it needs no so many."""
    dying = Dying(client, calls)
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "client", lambda: dying)
        try:
            work()
        except Killed:
            return True
        return False


def test_killed_before_any_write_the_next_gate_completes(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a champion and a refusal on the version from before."""
    settle(decision("1"))
    calls = 0
    while True:
        number = len(promote.history(NAME)) + 1
        old, new = ("1", "2") if champion() == "1" else ("2", "1")
        record(decision(new, against=old, outcome="refused"))
        if not broken_off(monkeypatch, client, calls, lambda new=new, old=old: settle(decision(new, against=old))):
            break
        check_the_champion_passed()
        if champion() == new:  # killed between alias and history: the gate finds the champion standing
            settle(decision(new, against=new, outcome="standing"))
        else:
            settle(decision(new, against=old))
        check_the_champion_passed()
        assert champion() == new
        changes = promote.history(NAME)
        assert [change.number for change in changes] == list(range(1, number + 1))
        assert all(change.done for change in changes)
        assert (changes[-1].version, changes[-1].previous, changes[-1].by) == (new, old, "gate")
        calls += 1
    assert calls >= 9  # every write was killed once: seven of the decision, history, alias, history


def test_a_refused_version_never_gets_the_alias(client: Any) -> None:
    settle(decision("1", outcome="refused"))
    assert champion() is None
    assert versions.version(NAME, "1").tags["gate.decision"] == "refused"
    assert "mean_recall on SAR, “+2”" in versions.version(NAME, "1").tags["gate.reasons"]
    with pytest.raises(ValueError, match=r"has not passed the gate.*refused.*--force"):
        promote.promote(NAME, "1", **WHO)
    assert champion() is None
    change = promote.promote(NAME, "1", **WHO, force=True)
    assert (champion(), change.forced) == ("1", True)


def test_a_decision_against_another_champion_is_stale(client: Any) -> None:
    settle(decision("1"))
    record(decision("3", against="1"))
    settle(decision("2", against="1"))
    with pytest.raises(ValueError, match="passed the gate against 1, but the champion is version 2"):
        promote.promote(NAME, "3", **WHO)


def test_clear_errors(client: Any) -> None:
    with pytest.raises(ValueError, match=r"no-such is not registered.*sar-text register"):
        promote.promote("no-such", "1", **WHO)
    with pytest.raises(ValueError, match="has no version 9; it has 1, 2, 3"):
        promote.promote(NAME, "9", **WHO)
    with pytest.raises(ValueError, match="nothing to roll back to: it has no champion"):
        promote.rollback(NAME, **WHO)
    settle(decision("1"))
    with pytest.raises(ValueError, match="version 1 of sar-rs-clip is the champion already"):
        promote.promote(NAME, "1", **WHO)
    with pytest.raises(ValueError, match="nothing to roll back to: version 1 is its only champion"):
        promote.rollback(NAME, **WHO)
    with pytest.raises(ValueError, match="neither --by nor --reason may be empty"):
        promote.promote(NAME, "2", by=" ", reason="x", force=True)
    client.set_model_version_tag(NAME, "2", "withdrawn", "sources/withdrawn/x.yaml")
    with pytest.raises(ValueError, match=r"learned from what was withdrawn \(sources/withdrawn/x.yaml\)"):
        promote.promote(NAME, "2", **WHO, force=True)


def test_rollbacks_go_back_one_champion_each_and_are_kept(client: Any) -> None:
    for version, against in (("1", None), ("2", "1"), ("3", "2")):
        settle(decision(version, against=against))
    assert promote.rollback(NAME, **WHO).version == "2"
    assert promote.rolled_back(promote.history(NAME), "3") is not None
    assert promote.rollback(NAME, **WHO).version == "1"
    with pytest.raises(ValueError, match="only champion"):
        promote.rollback(NAME, **WHO)
    promote.promote(NAME, "3", **WHO, force=True)
    assert promote.rolled_back(promote.history(NAME), "3") is None
    assert promote.rollback(NAME, **WHO).version == "1"
    changes = promote.history(NAME)
    assert [(change.action, change.version, change.previous) for change in changes] == [
        ("promote", "1", None), ("promote", "2", "1"), ("promote", "3", "2"),
        ("rollback", "2", "3"), ("rollback", "1", "2"), ("promote", "3", "1"), ("rollback", "1", "3"),
    ]  # fmt: skip
    assert {(change.by, change.reason) for change in changes[3:]} == {("Ada", "better in the harbour")}


def test_a_rollback_that_was_killed_is_completed_once(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(decision("1"))
    for calls in range(3):  # history, alias, history
        settle(decision("2", against="1"))
        before = len(promote.history(NAME))
        assert broken_off(monkeypatch, client, calls, lambda: promote.rollback(NAME, **WHO))
        promote.rollback(NAME, **WHO)
        assert champion() == "1"
        changes = promote.history(NAME)
        assert len(changes) == before + 1
        assert changes[-1].done


def test_a_withdrawn_champion_of_before_is_no_way_back(client: Any) -> None:
    settle(decision("1"))
    settle(decision("2", against="1"))
    client.set_model_version_tag(NAME, "1", "withdrawn", "sources/withdrawn/x.yaml")
    with pytest.raises(ValueError, match="version 1 of sar-rs-clip learned from what was withdrawn"):
        promote.rollback(NAME, **WHO)
    assert champion() == "2"
