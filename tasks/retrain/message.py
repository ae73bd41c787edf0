"""What a retrain did, as Markdown: the message of its commit, its Prefect artifact, and what people are told."""

import json
from collections.abc import Sequence
from typing import Any

from tasks import worktree
from tasks.retrain import unfinished
from tasks.retrain.unfinished import Unfinished
from tasks.retrain.update import Changes

HEADLINES = ("mean_recall", "cider", "vqa_exact_match")
METRICS = "metrics/evaluate.json"


def write(retrain: Unfinished, *, pushed: bool) -> str:
    """The whole message; the first line is a subject."""
    outcomes = ", ".join(f"{each['name']} {each['version']} {each['outcome']}" for each in retrain.decisions)
    return "\n".join([
        f"{retrain.branch}: {_counted(retrain.changes)}; {outcomes}", "",
        "## Data", "", *_data(retrain.changes), "",
        "## Drift", "", *(retrain.drift or ["No text was compared: nothing was built, or there is no champion."]), "",
        "## Metrics of the two stages, with 95 % intervals", "", *_metrics(retrain), "",
        "## Decisions", "", *(line for each in retrain.decisions for line in _decision(each)), "",
        f"Started from {retrain.base}. "
        + ("Data and weights are on the remote." if pushed else "No DVC remote is configured, so nothing was pushed."),
    ])  # fmt: skip


def _counted(changes: Sequence[Changes]) -> str:
    moved = [each for each in changes if each]
    return ", ".join(each.text() for each in moved) if moved else "no new data, stages out of date"


def _data(changes: Sequence[Changes]) -> list[str]:
    if not changes:
        return ["No source is watched."]
    rows = [
        f"| {each.source} | {len(each.new)} | {len(each.changed)} | {len(each.removed)} |"
        for each in changes
    ]  # fmt: skip
    return ["| source | new | changed | removed |", "|---|---|---|---|", *rows]


def _metrics(retrain: Unfinished) -> list[str]:
    """Headlines of every test set, before and now."""
    tree = unfinished.tree()
    now = json.loads((tree / METRICS).read_text(encoding="utf-8"))
    kept = worktree.git("ls-tree", "--name-only", retrain.base, METRICS, cwd=tree)
    before = json.loads(worktree.git("show", f"{retrain.base}:{METRICS}", cwd=tree)) if kept else {}
    rows = [
        f"| {test_set} | {metric} | {_value(before, test_set, metric)} | {_value(now, test_set, metric)} |"
        for test_set in sorted(now)
        for metric in HEADLINES
        if metric in now[test_set].get("two_stage", {})
    ]
    return ["| test set | metric | before | now |", "|---|---|---|---|", *rows]


def _value(table: dict[str, Any], test_set: str, metric: str) -> str:
    entry = table.get(test_set, {}).get("two_stage", {}).get(metric)
    if entry is None or entry["value"] is None:
        return "none"
    return f"{entry['value']:.2f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def _decision(decision: dict[str, Any]) -> list[str]:
    other = f"version {decision['against']}" if decision["against"] else "no champion"
    first = f"- {decision['name']} version {decision['version']} against {other}: **{decision['outcome']}**"
    return [first, *(f"  - {'+' if each['passed'] else '-'} {each['text']}" for each in decision["reasons"])]
