"""Text that models wrote of pairs: whether it may enter at all, and what may be held against it.

narrate_pairs measures captioner and rewriter together on annotated images that the captioner has not seen. All pair
text of a source enters or none does: it needs `pairs.min_claim_precision`, over at least `LEAST_CLAIMS` claims.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks import paths, records
from tasks.narrate import truth
from tasks.narrate.claims import read_claims
from tasks.narrate.score import LEAST_CLAIMS
from tasks.params import Params

ROUTES = ("pair", "model")  # written by a model, and so never a test reference


def files(names: Iterable[str], *, params: Params) -> list[Path]:
    """What narrate_pairs wrote for those of `names` that have pair text."""
    return [
        paths.pair_text(name) / file
        for name in names
        if name in params.pairs.sources
        for file in ("captions.parquet", "report.json")
    ]


def captions(name: str, *, params: Params) -> list[dict[str, Any]]:
    """The pair captions of the source, each with why none of them may enter, in `unproven`, or null there.

    Raises `ValueError` when the source has pair text by the settings but not on disk.
    """
    found = files([name], params=params)
    if not found:
        return []
    table, report = found
    if not report.is_file():
        raise ValueError(f"{report} does not exist: run `dvc repro narrate_pairs@{name}`, or `dvc checkout`")
    why = unproven(json.loads(report.read_text(encoding="utf-8")), least=params.pairs.min_claim_precision)
    return [row | {"unproven": why} for row in records.read(table)]


def unproven(report: Mapping[str, Any], *, least: float) -> str | None:
    """Why text with this report may not enter, or None."""
    held_out = report["held_out"]
    judged = held_out["claims"]["supported"] + held_out["claims"]["contradicted"]
    measured = f"of {judged} claims on {held_out['images']} held-out images ({held_out['of']})"
    if judged < LEAST_CLAIMS:
        return f"claim precision is not measured: it is {measured}, at least {LEAST_CLAIMS} are needed"
    if held_out["claim_precision"] < least:
        return f"claim precision {held_out['claim_precision']:.3f} {measured}; pairs.min_claim_precision is {least:g}"
    return None


def contradictions(text: str, record: Mapping[str, Any], *, exhaustive: Collection[str]) -> list[str]:
    """One sentence for each claim that the annotation settles and contradicts. What it cannot settle is no fault of
    text that is there because nothing is annotated."""
    problems = (truth.problem(claim, record, frozenset(exhaustive)) for claim in read_claims(text))
    return [problem.text for problem in problems if problem is not None and problem.settled]
