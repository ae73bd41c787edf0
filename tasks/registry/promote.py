"""Who becomes champion, and who was: the alias `champion`, and its history in tags of the registered model.

Every change is a tag `promoted.<number>` with who, why and when. It is written before the alias moves, and marked as
done after: what was broken off in between is told apart from what was carried out, and the next call puts it right.
One change at a time (`turn`): each sees the champion that the one before made.
"""

import dataclasses
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tasks import tracking
from tasks.registry import versions
from tasks.registry.turn import turn
from tasks.registry.versions import CHAMPION

PREFIX = "promoted."
DECISION, AGAINST, PASSED = "gate.decision", "gate.against", "passed"  # what the gate writes on a version
WITHDRAWN = "withdrawn"  # tag of a version that learned from what was withdrawn


@dataclass(frozen=True)
class Change:
    """One change of champion."""

    number: int  # from 1
    action: Literal["promote", "rollback"]
    version: str  # the champion that it made
    previous: str | None  # the one before
    by: str
    reason: str
    when: str  # UTC, ISO 8601
    forced: bool  # against, or without, a decision of the gate
    done: bool


def history(name: str) -> list[Change]:
    """Every change of champion of the registered model `name`, oldest first; one that is not `done` was broken off.

    Raises `ValueError` when there is no such model.
    """
    tags = versions.registered(name).tags
    changes = [Change(**json.loads(value)) for key, value in tags.items() if key.startswith(PREFIX)]
    return sorted(changes, key=lambda change: change.number)


@turn()
def promote(name: str, version: str, *, by: str, reason: str, force: bool = False) -> Change:
    """Make `version` of `name` the champion; a promotion that was broken off is completed.

    Raises `ValueError` for an unknown model or version, the champion itself, a version whose sources were withdrawn,
    and, unless a person takes it upon themselves by `force`, one that did not pass the gate against today's champion.
    """
    found = versions.version(name, version)
    finished = complete(name)
    champion = versions.alias(name, CHAMPION)
    if champion == version:
        if finished is not None:
            return finished
        raise ValueError(f"version {version} of {name} is the champion already")
    _check_not_withdrawn(name, found)
    passed, against = found.tags.get(DECISION) == PASSED, found.tags.get(AGAINST)
    if not force and not passed:
        raise ValueError(
            f"version {version} of {name} has not passed the gate ({DECISION} is {found.tags.get(DECISION, 'not set')})"
            f": `sar-text gate {name}` judges the challenger; --force promotes it all the same, in your name"
        )
    if not force and champion is not None and against != champion:
        raise ValueError(
            f"version {version} of {name} passed the gate against {against}, but the champion is version {champion}: "
            f"`sar-text gate {name}` judges the challenger anew; --force promotes it all the same, in your name"
        )
    forced = force and not (passed and champion in (None, against))
    return _change(name, "promote", version=version, previous=champion, by=by, reason=reason, forced=forced)


@turn()
def rollback(name: str, *, by: str, reason: str) -> Change:
    """Make the champion before the present one the champion again; a rollback that was broken off is completed.

    Raises `ValueError` when there is none, or it was deleted or withdrawn.
    """
    finished = complete(name)
    if finished is not None and finished.action == "rollback":
        return finished
    champion = versions.alias(name, CHAMPION)
    target = before(history(name), champion)
    if target is None:
        now = f"version {champion} is its only champion" if champion else "it has no champion"
        raise ValueError(f"{name} has nothing to roll back to: {now}")
    _check_not_withdrawn(name, versions.version(name, target))
    return _change(name, "rollback", version=target, previous=champion, by=by, reason=reason, forced=False)


def before(changes: list[Change], champion: str | None) -> str | None:
    """The champion before `champion`: rollbacks undo promotions, so that a second one goes back one further."""
    line: list[str] = []
    for change in changes:
        if not change.done:
            continue
        if change.action == "promote":
            line.append(change.version)
        else:
            while line[-1] != change.version:
                line.pop()
    while line and line[-1] == champion:
        line.pop()
    return line[-1] if line else None


def rolled_back(changes: list[Change], version: str) -> Change | None:
    """The rollback that took `version` away from the aliases, unless it was promoted again since."""
    last = None
    for change in changes:
        if change.done and change.action == "rollback" and change.previous == version:
            last = change
        elif change.done and change.version == version:
            last = None
    return last


@turn()
def complete(name: str) -> Change | None:
    """Mark as done the last change, if it was broken off after the alias moved; returns it then."""
    changes = history(name)
    if not changes or changes[-1].done or changes[-1].version != versions.alias(name, CHAMPION):
        return None
    return _write(name, dataclasses.replace(changes[-1], done=True))


def _change(
    name: str,
    action: Literal["promote", "rollback"],
    *,
    version: str,
    previous: str | None,
    by: str,
    reason: str,
    forced: bool,
) -> Change:
    if not by.strip() or not reason.strip():
        raise ValueError("say who changes the champion and why: neither --by nor --reason may be empty")
    done = [change for change in history(name) if change.done]  # one that was never carried out is written over
    when = datetime.now(UTC).isoformat(timespec="seconds")
    change = Change(len(done) + 1, action, version, previous, by.strip(), reason.strip(), when, forced, done=False)
    _write(name, change)
    tracking.client().set_registered_model_alias(name, CHAMPION, version)
    return _write(name, dataclasses.replace(change, done=True))


def _write(name: str, change: Change) -> Change:
    text = json.dumps(asdict(change), ensure_ascii=False, sort_keys=True)
    tracking.client().set_registered_model_tag(name, f"{PREFIX}{change.number:04}", text)
    return change


def _check_not_withdrawn(name: str, version: Any) -> None:
    if WITHDRAWN in version.tags:
        raise ValueError(
            f"version {version.version} of {name} learned from what was withdrawn ({version.tags[WITHDRAWN]}): it "
            "cannot be the champion; `sar-text promote` takes another version"
        )
