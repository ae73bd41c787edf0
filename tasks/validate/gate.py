"""From failed expectations to what passes and what goes to quarantine: every row in is a row out or a refused row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.validate import pair_text
from tasks.validate.features import PLACE, Tables
from tasks.validate.suites import Finding

# Reasons that somebody chose: no sign of a faulty source, and so outside the share at which the stage stops.
CHOSEN = frozenset({"licence_use", "review_rejected"})


@dataclass(frozen=True)
class Verdict:
    """`passed` rows fit `records.TEXT`, `refused` rows `records.QUARANTINE`; warnings are counts by source and name."""

    passed: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    warnings: dict[str, Counter[str]]


def judge(tables: Tables, findings: Sequence[Finding]) -> Verdict:
    """Refuse what failed a critical expectation, captions of refused images too, each with its first reason."""
    images = first_reasons("images", tables.images, findings)
    captions = first_reasons("captions", tables.captions, findings)
    image_of = {image["record_id"]: row for row, image in enumerate(tables.images)}

    passed: list[dict[str, Any]] = []
    refused = [
        _refused(tables.images[row], reason=reason, detail=detail) for row, (reason, detail) in sorted(images.items())
    ]
    for row, caption in enumerate(tables.captions):
        image = image_of.get(caption["record_id"])
        failure = captions.get(row) if image is None else images.get(image, captions.get(row))
        if failure is not None:
            refused.append(_refused(caption, reason=failure[0], detail=failure[1]))
            continue
        assert image is not None, "a caption without a record fails caption_record"
        place = {name: tables.images[image][name] for name in PLACE}
        passed.append(place | {name: caption[name] for name in _OF_CAPTION})
    refused.sort(key=lambda row: (row["source"], row["record_id"], row["caption_id"] is not None))  # stable

    warnings: dict[str, Counter[str]] = {name: Counter() for name in tables.sources}
    for finding in findings:
        if finding.check.severity == "warning":
            rows = tables.images if finding.table == "images" else tables.captions
            for row in finding.rows:
                warnings[rows[row]["source"]][finding.check.name] += 1
    return Verdict(passed, refused, warnings)


def stop_if_too_many(tables: Tables, verdict: Verdict, *, max_share: float, quarantine: Path) -> None:
    """Raise `ValueError` naming each source that lost more than `max_share` of its captions, and why.

    The share tells a faulty source or annotation. Text by models has a threshold of its own, and is expected to fall
    when it is not met, so it counts neither as entered nor as lost.
    """
    by_models = {caption["caption_id"] for caption in tables.captions if caption["route"] in pair_text.ROUTES}
    entered = Counter(caption["source"] for caption in tables.captions if caption["caption_id"] not in by_models)
    reasons: dict[str, Counter[str]] = {name: Counter() for name in entered}
    for row in verdict.refused:
        if row["caption_id"] is None or row["caption_id"] in by_models:
            continue
        if row["reason"] not in CHOSEN:
            reasons[row["source"]][row["reason"]] += 1
    complaints = []
    for name, counts in sorted(reasons.items()):
        share = counts.total() / entered[name]
        if share > max_share:
            top = ", ".join(f"{reason} ({count})" for reason, count in largest(counts)[:3])
            complaints.append(f"{name}: {counts.total()} of {entered[name]} captions ({share:.1%}), by {top}")
    if complaints:
        raise ValueError(
            f"more captions refused than validate.max_quarantine_share ({max_share:.1%}) allows. "
            f"{'. '.join(complaints)}. Read {quarantine} for the rows and `make docs-data` for the expectations, then "
            "mend the source or raise the share in params.yaml"
        )


def largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons with their counts, the commonest first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


_OF_CAPTION = ["caption_id", "text", "route", "rule", "claims", "split"]


def first_reasons(
    table: str, rows: Sequence[Mapping[str, Any]], findings: Sequence[Finding]
) -> dict[int, tuple[str, str]]:
    """Position → (reason, detail) of the first critical check that the row failed."""
    reasons: dict[int, tuple[str, str]] = {}
    for finding in findings:
        if finding.table == table and finding.check.severity == "critical":
            for row in finding.rows:
                if row not in reasons:
                    reasons[row] = (finding.check.name, finding.check.detail(rows[row]))
    return reasons


def _refused(row: Mapping[str, Any], *, reason: str, detail: str) -> dict[str, Any]:
    return {
        "record_id": row["record_id"],
        "caption_id": row.get("caption_id"),
        "source": row["source"],
        "text": row.get("text"),
        "reason": reason,
        "detail": detail,
    }
