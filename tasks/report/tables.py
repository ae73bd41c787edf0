"""The numbers of the metrics files as rows of small tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.evaluate import slices
from tasks.report.charts import Chart, Point, chart

VARIANTS = {
    "initial": "before training",
    "optical": "stage 1 only: optical text",
    "sar": "SAR text alone",
    "two_stage": "both stages: optical, then SAR",
}
HEADLINE = {  # metric → its name, its unit, digits behind the point
    "mean_recall": ("Retrieval: mean recall of SAR-RS-CLIP", "%", 1),
    "cider": ("Captions: CIDEr of SAR-RS-CoCa", "", 2),
    "vqa_exact_match": ("Questions: exact match of SAR-GPT", "%", 1),
}
ANSWER_TYPES = ("yes_no", "number", "place", "class", "other")  # groups of questions that are no family
STAGES = {"optical": "stage 1, optical text", "two_stage": "stage 2, SAR text", "sar": "SAR text alone"}
MODELS = {"clip": "SAR-RS-CLIP", "coca": "SAR-RS-CoCa", "gpt": "SAR-GPT"}

Entry = Mapping[str, Any]  # {value, low, high, n}, and p of a difference


@dataclass(frozen=True)
class Row:
    """One line: a name, entries by column (null where nothing was measured), and the best column."""

    name: str
    n: int
    entries: Mapping[str, Entry | None]
    best: str | None  # null where there is no single one


@dataclass(frozen=True)
class Table:
    """A headline metric on every test set, and the top of the common scale of its bars."""

    metric: str
    title: str
    unit: str
    digits: int
    rows: tuple[Row, ...]
    gains: tuple[Row, ...]  # of two_stage over each other variant
    scale: float


def own_first(variants: Mapping[str, Any]) -> dict[str, Any]:
    """The project's own variants in the order of their making, then those from outside."""
    own = {name: variants[name] for name in VARIANTS if name in variants}
    return own | {name: of for name, of in variants.items() if name not in own}


def colours(variants: Iterable[str]) -> dict[str, str]:
    """Variant → its class in the style sheet; the project's own keep theirs, those from outside share the rest."""
    own = {name: f"v{number}" for number, name in enumerate(VARIANTS, start=1)}
    others = [name for name in variants if name not in own]
    return own | {name: f"v{len(own) + 1 + number % 2}" for number, name in enumerate(others)}


def headline(measured: Mapping[str, Any], compared: Mapping[str, Any]) -> list[Table]:
    """A table for each headline metric that was measured."""
    found = []
    for metric, (title, unit, digits) in HEADLINE.items():
        rows = tuple(row for name, of in measured.items() if (row := _row(name, of, metric)) is not None)
        gains = tuple(
            row for name, of in compared.items() if (row := _row(name, _over(of), metric, best=False)) is not None
        )
        tops = [entry["high"] for row in rows for entry in row.entries.values() if entry is not None]
        if rows:
            found.append(Table(metric, title, unit, digits, rows, gains, max(*tops, 1e-9)))
    return found


def _over(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """`two_stage-optical` → `optical`."""
    return {pair.removeprefix("two_stage-"): of for pair, of in pairs.items() if pair.startswith("two_stage-")}


def _row(name: str, variants: Mapping[str, Any], metric: str, *, best: bool = True) -> Row | None:
    """Null where no variant has the metric."""
    entries: dict[str, Entry | None] = {}
    for variant, metrics in own_first(variants).items():
        entry = metrics.get(metric)
        entries[variant] = entry if entry is not None and entry["value"] is not None else None
    measured = {variant: entry for variant, entry in entries.items() if entry is not None}
    if not measured:
        return None
    return Row(name, next(iter(measured.values()))["n"], entries, _best(measured) if best else None)


def _best(entries: Mapping[str, Entry]) -> str | None:
    """The column with the highest value; null where two share it."""
    top = max(entry["value"] for entry in entries.values())
    columns = [column for column, entry in entries.items() if entry["value"] == top]
    return columns[0] if len(columns) == 1 else None


def questions(measured: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Test set → a row for each family of questions: the variants, and the two baselines that see no image."""
    found: dict[str, list[Row]] = {}
    prefix = "vqa_exact_match_"
    for test_set, of in measured.items():
        asked = {name: metrics for name, metrics in own_first(of).items() if "vqa_exact_match" in metrics}
        names = {name.removeprefix(prefix) for metrics in asked.values() for name in metrics if name.startswith(prefix)}
        for family in sorted(names.difference(ANSWER_TYPES)):
            entries: dict[str, Entry | None] = {name: metrics[f"{prefix}{family}"] for name, metrics in asked.items()}
            some = next(iter(asked.values()))
            entries |= {kind: some[f"vqa_{kind}_{family}"] for kind in ("majority", "text_only")}
            known = {name: entry for name, entry in entries.items() if entry is not None}
            entries["over"] = asked.get("two_stage", {}).get(f"vqa_over_majority_{family}")
            row = Row(family.replace("_", " "), some[f"{prefix}{family}"]["n"], entries, _best(known))
            found.setdefault(test_set, []).append(row)
    return found


@dataclass(frozen=True)
class Slice:
    """A metric along one axis: a chart where images were made worse step by step, bars where they were divided."""

    axis: str
    test_set: str
    rows: tuple[Row, ...]
    chart: Chart | None
    scale: float  # top of the bars


def along(found: Mapping[str, Any], *, metric: str = "mean_recall") -> list[Slice]:
    """A slice for each axis and test set with the metric at two levels or more."""
    shown = []
    for axis, sets in found.items():
        for test_set, levels in sets.items():
            names = sorted(levels, key=lambda name: _position(axis, name))
            rows = tuple(row for name in names if (row := _row(name, levels[name], metric, best=False)) is not None)
            if len(rows) >= 2:
                drawn = _line_chart(f"{axis}, {test_set}", rows) if axis in slices.LEVELS else None
                tops = [entry["high"] for row in rows for entry in row.entries.values() if entry is not None]
                shown.append(Slice(axis, test_set, rows, drawn, max(*tops, 1e-9)))
    return sorted(shown, key=lambda one: one.chart is None)


def _line_chart(title: str, rows: Sequence[Row]) -> Chart:
    series: dict[str, list[Point]] = {}
    for place, row in enumerate(rows):
        for variant, entry in row.entries.items():
            if entry is not None:
                series.setdefault(variant, []).append(Point(place, entry["value"], entry["low"], entry["high"]))
    return chart(title, series, unit="%", labels={float(place): row.name for place, row in enumerate(rows)})


def _position(axis: str, level: str) -> tuple[int, str]:
    """In the order that the slices define, from mild to hard or from few to many; other words by the alphabet."""
    orders: dict[str, Iterable[str]] = {"objects": slices.OBJECTS, "object_size": slices.SIDES}
    orders |= {str(name): levels for name, levels in slices.LEVELS.items()}
    known = list(orders.get(axis, ()))
    return (known.index(level) if level in known else len(known), level)


def learning(curves: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[Chart]:
    """A chart of the losses for each (stage, model) that was trained; the ring is at the weights kept."""
    shown = []
    for (stage, kind), training in curves.items():
        curve = training["curve"]
        series = {
            name: [Point(row["epoch"], row[column]) for row in curve]
            for name, column in (("training", "train_loss"), ("validation", "val_loss"))
        }
        epochs = sorted({float(curve[0]["epoch"]), float(curve[-1]["epoch"])})
        kept = next((row for row in curve if row["epoch"] == training["best_epoch"]), None)
        shown.append(
            chart(
                f"{MODELS[kind]}, {STAGES[stage]}", series, unit="loss, nats",
                labels={epoch: f"epoch {epoch:g}" for epoch in epochs},
                ring=None if kept is None else (kept["epoch"], kept["val_loss"]),
            )
        )  # fmt: skip
    return shown
