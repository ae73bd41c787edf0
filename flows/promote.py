"""`sar-text gate`, `promote` and `rollback`: which version of a model is the champion, judged or by a person's word."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from flows import gpu

if TYPE_CHECKING:
    from tasks.gate import Decision
    from tasks.registry.promote import Change

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
GATE = "gate"  # who promotes what passed
REFUSED = 3  # exit code when all went well but for a challenger that did not pass


def add_commands(add: Add) -> None:
    """Add the three to the `sar-text` command."""
    gate = add("gate", _gate, "judge the challengers against the champions, and promote those that pass")
    gate.add_argument("model", nargs="?", help="such as sar-rs-clip; default: all three")
    gate.add_argument("--dry-run", action="store_true", help="judge only: write nothing, promote nothing")
    gate.add_argument("--json", action="store_true", help="print the decisions as JSON, with every number")
    promote = add("promote", _promote, "make a version the champion, in your name")
    promote.add_argument("model", help="such as sar-rs-clip")
    promote.add_argument("version", help="such as 3")
    promote.add_argument("--force", action="store_true", help="also one that did not pass the gate; recorded as such")
    rollback = add("rollback", _rollback, "make the champion before the present one the champion again")
    rollback.add_argument("model", help="such as sar-rs-clip")
    for command in (promote, rollback):
        command.add_argument("--by", required=True, metavar="NAME", help="who")
        command.add_argument("--reason", required=True, metavar="TEXT", help="why")


def settle(decision: "Decision") -> "Change | None":
    """Write `decision` on its version, and promote the version if it passed. Broken off anywhere, it can be called
    again: the alias moves only once a passing decision stands on the version.

    Raises `ValueError` when the champion changed since `decision` was made."""
    from tasks.gate import record
    from tasks.registry import promote, versions
    from tasks.registry.turn import turn

    with turn():  # no other gate may write on the version between its decision and the alias
        if decision.outcome == "standing":
            return promote.complete(decision.name)
        champion = versions.alias(decision.name, versions.CHAMPION)
        if champion == decision.version:  # another gate was faster
            return promote.complete(decision.name)
        if champion != decision.against:
            raise ValueError(
                f"the champion of {decision.name} became version {champion} while version {decision.version} was "
                f"judged against {decision.against or 'none'}: `sar-text gate {decision.name}` judges anew"
            )
        record(decision)
        if not decision.passed:
            return None
        better = next(reason.text for reason in decision.reasons if reason.rule == "better")
        return promote.promote(decision.name, decision.version, by=GATE, reason=better)


def _gate(arguments: argparse.Namespace) -> None:
    from tasks import params as settings
    from tasks.gate import judge
    from tasks.lineage.card import attach
    from tasks.registry import versions
    from tasks.registry.register import NAMES

    params = settings.load()
    names = [versions.registered_name(kind, params=params) for kind in NAMES]
    kinds = [versions.kind_of(name, params=params) for name in ([arguments.model] if arguments.model else names)]
    decisions = []
    waits = params.hardware.device != "cpu" and "PREFECT_API_URL" in os.environ  # a stage of another run may use it
    with gpu.slots(1 if waits else 0):
        for kind in kinds:
            decision = judge(kind, params=params)
            if not arguments.dry_run:
                settle(decision)
            if not arguments.json:
                print(decision.text(), flush=True)
            decisions.append(decision)
    if not arguments.dry_run:
        attach(f"{decision.name}/{decision.version}" for decision in decisions)
    if arguments.json:
        print(json.dumps([decision.plain() for decision in decisions], indent=2, ensure_ascii=False))
    if any(decision.outcome == "refused" for decision in decisions):
        sys.exit(REFUSED)


def _promote(arguments: argparse.Namespace) -> None:
    from tasks import params
    from tasks.registry import promote, versions

    versions.kind_of(arguments.model, params=params.load())
    _say(
        arguments.model,
        promote.promote(
            arguments.model, arguments.version, by=arguments.by, reason=arguments.reason, force=arguments.force
        ),
    )


def _rollback(arguments: argparse.Namespace) -> None:
    from tasks import params
    from tasks.registry import promote, versions

    versions.kind_of(arguments.model, params=params.load())
    _say(arguments.model, promote.rollback(arguments.model, by=arguments.by, reason=arguments.reason))


def _say(name: str, change: "Change") -> None:
    from tasks.lineage.card import attach

    before = f"version {change.previous}" if change.previous else "none"
    forced = ", against the gate" if change.forced else ""
    print(
        f"{name}: version {change.version} is the champion (before: {before}), by {change.by}{forced}: {change.reason}"
    )
    attach(f"{name}/{number}" for number in (change.version, change.previous) if number)
