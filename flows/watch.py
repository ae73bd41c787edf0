"""`sar-text watch`: take what is new at the addresses of watched sources into their descriptions."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add `watch` to the `sar-text` command."""
    command = add("watch", _watch, "take new, changed and removed files of watched sources into their descriptions")
    command.add_argument("--json", action="store_true", help="print the changes as JSON, a source an entry")


def _watch(arguments: argparse.Namespace) -> None:
    from tasks.retrain.update import update_all

    found = update_all()
    if arguments.json:
        print(json.dumps([asdict(changes) for changes in found], ensure_ascii=False))
        return
    for changes in found:
        print(changes.text())
    if not found:
        print("no source is watched: docs/retraining.md tells how")
