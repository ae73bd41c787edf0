"""What the `sar-text` command prints for people: tables of sources, results and addresses."""

import json
import os
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tasks import paths, tracking

HEADLINE = ("mean_recall", "cider", "vqa_exact_match")  # the last of the test sets that hold questions
VARIANTS = ("initial", "optical", "sar", "two_stage")
GAINS = ("two_stage-optical", "two_stage-sar")


COLUMNS = ("name", "modality", "format", "role", "address", "pinned", "licence")


def sources(name: str | None = None, *, markdown: bool = False) -> None:
    """One row a source file, or with `name` all that one says. Raises `ValueError` for an unknown name."""
    from tasks.download import table

    rows = {row["name"]: row for row in table.source_rows(paths.root() / "sources")}
    if markdown:
        print(table.markdown(list(rows.values())))
        return
    if name is not None and name not in rows:
        raise ValueError(f"no source '{name}'; known: {', '.join(rows)}")
    if name is None:
        shown = Table(title=f"{len(rows)} sources (`sar-text sources NAME` tells all of one)")
        for column in COLUMNS:
            shown.add_column(column, no_wrap=column != COLUMNS[-1])  # the licence alone may take several lines
        for row in rows.values():
            shown.add_row(*[_cell(row[column]) for column in COLUMNS])
    else:
        shown = Table(show_header=False)
        for key, value in rows[name].items():
            shown.add_row(key, _cell(value))
    _console().print(shown)


def _console() -> Console:
    """As wide as the terminal; in a log, wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=190)


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def results(profile: str | None = None, *, markdown: bool = False) -> None:
    """Mean recall, CIDEr and exact match of every variant on every test set, with 95 % intervals, and the gain of two
    stages over each alone: of this run, or of `runs/<profile>`. Checkpoints of other people stand behind the variants.

    Raises `ValueError` when nothing was evaluated, or the metrics are damaged.
    """
    measured, compared = _metrics("evaluate", profile), _metrics("compare", profile)
    if markdown:
        print(results_markdown(measured, compared))
        return
    external = [name for name in next(iter(measured.values())) if name not in VARIANTS]
    for metric in HEADLINE:
        shown = Table(title=f"{metric}, 95 % intervals")
        for column in ("test set", "n", *VARIANTS, *external, *(pair.replace("-", " - ") for pair in GAINS)):
            shown.add_column(column, justify="left" if column == "test set" else "right")
        for test_set, variants in measured.items():
            if metric not in variants[VARIANTS[0]]:
                continue
            entries = [variants.get(variant, {}).get(metric) for variant in (*VARIANTS, *external)]
            gains = [compared[test_set][pair][metric] for pair in GAINS]
            cells = ["" if entry is None else _interval(entry) for entry in (*entries, *gains)]
            shown.add_row(test_set, str(variants[VARIANTS[0]][metric]["n"]), *cells)
        if shown.rows:
            _console().print(shown)
    print(verdict(compared))


def results_markdown(measured: Mapping[str, Any], compared: Mapping[str, Any]) -> str:
    """The SAR test sets as the README shows them: values of the variants, and the gains with their intervals."""
    columns = ("test set", "images", "metric", *VARIANTS, "gain over optical", "gain over sar")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for test_set, variants in measured.items():
        if not test_set.startswith("sar/"):
            continue
        for metric in HEADLINE:
            if metric not in variants[VARIANTS[0]]:
                continue
            digits = 2 if metric == "cider" else 1
            values = [f"{variants[variant][metric]['value']:.{digits}f}" for variant in VARIANTS]
            gains = [
                f"{gain['value']:+.{digits}f} [{gain['low']:.{digits}f}, {gain['high']:.{digits}f}]"
                for gain in (compared[test_set][pair][metric] for pair in GAINS)
            ]
            images = str(variants[VARIANTS[0]][metric]["n"])
            lines.append(f"| {' | '.join([test_set, images, metric, *values, *gains])} |")
    return "\n".join(lines)


def _metrics(name: str, profile: str | None) -> dict[str, Any]:
    path = paths.metrics(name) if profile is None else paths.root() / "runs" / profile / "metrics" / f"{name}.json"
    if not path.is_file():
        how = "`make repro`" if profile is None else f"`sar-text run {profile}`"
        raise ValueError(f"{path} does not exist, nothing was evaluated yet: run {how}")
    again = "`git checkout -- metrics` brings the committed one back, `make repro` makes it anew"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no UTF-8, or no JSON
        raise ValueError(f"{path} is damaged ({error}): {again}") from error
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{path} holds no test set: {again}")
    return found


def verdict(compared: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether two stages beat one and none on every SAR test set: the paired intervals of the gain lie above zero."""
    missed = [
        f"{metric} of {test_set} ({pair})"
        for test_set, pairs in compared.items()
        if test_set.startswith("sar/")
        for pair in ("two_stage-optical", "two_stage-initial")
        for metric in HEADLINE
        if metric in pairs[pair] and pairs[pair][metric]["low"] <= 0
    ]
    if missed:
        return f"two_stage is not surely above the other variants in: {', '.join(missed)}"
    return "two_stage is above optical and initial on every SAR test set, each paired 95 % interval above zero"


def _interval(entry: dict[str, float]) -> str:
    digits = 3 if abs(entry["value"]) < 10 else 1
    return f"{entry['value']:.{digits}f} [{entry['low']:.{digits}f}, {entry['high']:.{digits}f}]"


def status() -> None:
    """Where to look, and what runs."""
    from flows import mlflow_server, processes, server, up

    prefect = os.environ.get("PREFECT_API_URL") or server.running()
    silent = "" if prefect is None or server.answers(f"{prefect.rstrip('/')}/health") else " (does not answer)"
    shown = f"{prefect.removesuffix('/api')}{silent}" if prefect else "no server runs; the next stage starts one"
    print("Prefect:", shown)
    print("MLflow: ", mlflow_server.running() or f"{tracking.shown_uri()} (`make mlflow` shows it)")
    for pool in up.POOLS:
        worker = processes.running(up.worker_file(pool))
        print("Worker: ", worker.address if worker else f"none of pool {pool}; `make up` starts one")
    for model in tracking.client().search_registered_models():
        for alias, version in sorted(model.aliases.items()):
            print(f"         models:/{model.name}@{alias} is version {version}")
