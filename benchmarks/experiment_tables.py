"""What experiments over several seeds agree on: values of each variant, gains, their mean and spread."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

METRICS = (
    "mean_recall", "coca_mean_recall", "bleu_4", "cider", "claim_precision", "claim_recall", "unsupported_object_rate",
    "vqa_exact_match",
)  # fmt: skip
OVER = "vqa_over_majority"  # begins the names of what SAR-GPT gains over the commonest answer, by family too
LONG = "long"  # the project folder, within a seed's, in which SAR alone has the steps of both stages


def result(folder: Path) -> dict[str, Any]:
    """What one seed gave: values and paired gains with their intervals, for the metrics that are reported."""
    tables = {}
    for name, place in (("equal SAR steps", folder), ("equal total steps", folder / LONG)):
        for table in ("evaluate", "compare"):
            written = json.loads((place / "metrics" / f"{table}.json").read_text(encoding="utf-8"))
            tables[f"{table}, {name}"] = {
                test_set: {
                    variant: {
                        metric: found
                        for metric, found in metrics.items()
                        if metric in METRICS or metric.startswith(OVER)
                    }
                    for variant, metrics in variants.items()
                }
                for test_set, variants in written.items()
            }
    return tables


def summary(found: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Table → test set → variant or gain → metric → mean, spread over the seeds, and how many are surely above zero.

    A world may lack a family of questions: its metric is over the seeds that have it, whose `values` tell how many.
    """
    return {
        table: {
            test_set: {variant: _agreed([each[table][test_set][variant] for each in found]) for variant in variants}
            for test_set, variants in tables.items()
        }
        for table, tables in found[0].items()
    }


def _agreed(found: list[Mapping[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for metrics in found for name in metrics)
    return {name: _over([metrics[name] for metrics in found if name in metrics]) for name in names}


def _over(entries: list[Mapping[str, float]]) -> dict[str, Any]:
    values = [entry["value"] for entry in entries]
    return {
        "mean": round(mean(values), 4),
        "sd": round(stdev(values), 4) if len(values) > 1 else None,
        "values": [round(value, 4) for value in values],
        "surely_above_zero": sum(entry["low"] > 0 for entry in entries),
    }


def markdown(agreed: Mapping[str, Any]) -> str:
    """The variants and what two stages gain, as mean and standard deviation over the seeds. Behind a gain stands of how
    many seeds the paired 95 % interval lies above zero."""
    equal, total = "equal SAR steps", "equal total steps"
    lines = [
        "| test set | metric | initial | optical | sar | sar, as many steps | two_stage | over optical | over sar | "
        "over sar, as many steps |",
        "|" + "---|" * 10,
    ]
    for test_set, variants in agreed[f"evaluate, {equal}"].items():
        for metric in METRICS:
            if metric not in variants["two_stage"]:
                continue
            digits = 2 if metric == "cider" else 1
            longer = agreed[f"evaluate, {total}"][test_set]["sar"]
            values = [variants["initial"], variants["optical"], variants["sar"], longer, variants["two_stage"]]
            compared = agreed[f"compare, {equal}"][test_set], agreed[f"compare, {total}"][test_set]
            gains = [compared[0]["two_stage-optical"], compared[0]["two_stage-sar"], compared[1]["two_stage-sar"]]
            scale = 100 if metric == "bleu_4" else 1
            cells = [_spread(value.get(metric), scale, f".{digits}f") for value in values]
            for gain in gains:
                found = gain.get(metric)
                sure = f" ({found['surely_above_zero']} of {len(found['values'])})" if found else ""
                cells.append(f"{_spread(found, scale, f'+.{digits}f')}{sure}")
            lines.append(f"| {' | '.join([test_set, metric, *cells])} |")
    return "\n".join(lines) + "\n"


def _spread(found: Mapping[str, Any] | None, scale: float, shape: str) -> str:
    if found is None:
        return "none"  # such as the share of true claims where nothing was claimed
    spread = "" if found["sd"] is None else f" ± {format(scale * found['sd'], shape.removeprefix('+'))}"
    return format(scale * found["mean"], shape) + spread
