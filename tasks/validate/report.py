"""The numbers of a validated data set, sorted and without clocks: a DVC metric."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks import paths
from tasks.validate import reviews, statistics
from tasks.validate.features import Tables
from tasks.validate.gate import Verdict
from tasks.validate.write import SPLITS


def metrics(tables: Tables, verdict: Verdict, *, questions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts by source and in total, text statistics, reviews of captions and of `questions` (all that entered).

    Equal inputs give equal bytes once written by `write_metrics`.
    """
    by_source = {}
    for name, source in tables.sources.items():
        images = [image for image in tables.images if image["source"] == name]
        passed = [row for row in verdict.passed if row["source"] == name]
        refused = [row for row in verdict.refused if row["source"] == name]
        by_source[name] = {
            **_counts(images, passed, refused),
            "captions": sum(caption["source"] == name for caption in tables.captions),
            "captions_of_the_other_modality": tables.other_modality[name],
            "licence": source.licence.strip(),
            "routes": dict(Counter(row["route"] for row in passed)),
            "simulated": source.simulate is not None,
            "warnings": dict(verdict.warnings[name]),
        }
    total = _counts(tables.images, verdict.passed, verdict.refused) | {"captions": len(tables.captions)}
    return {
        "modality": tables.modality,
        "sources": by_source,
        "total": total,
        "text": statistics.of_rows(verdict.passed),
        "review": _review(tables, questions),
        "leaks": _leaks(tables),
    }


def write_metrics(path: Path, measured: Mapping[str, Any]) -> None:
    """JSON with sorted keys and a newline at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(measured, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _leaks(tables: Tables) -> dict[str, int]:
    """Images with a likeness in a split nearer to test (exact copies: in any split). The last kind is no copy: it
    stays where it is, and is only counted."""
    kinds = {
        "exact copies": "copy_of",
        "near copies": "near_copy_of",
        "overlaps": "overlaps",
        "same place on another date (kept)": "same_place_as",
    }
    return {name: sum(image[column] is not None for image in tables.images) for name, column in kinds.items()}


def _review(tables: Tables, questions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What people said of captions and questions as they are written today."""
    verdicts = reviews.load(paths.reviews())
    captions = ((row["caption_id"], reviews.judged_text(row)) for row in tables.captions)
    asked = ((row["question_id"], reviews.judged_text(row)) for row in questions)
    return {
        "captions": verdicts.measure("caption", captions, sources=tables.sources),
        "questions": verdicts.measure("question", asked, sources=tables.sources),
    }


def _counts(
    images: Iterable[Mapping[str, Any]], passed: list[dict[str, Any]], refused: list[dict[str, Any]]
) -> dict[str, Any]:
    distinct = len({row["text"] for row in passed})
    return {
        "images": sum(1 for _ in images),
        "images_refused": sum(row["caption_id"] is None for row in refused),
        "captions_passed": len(passed),
        "captions_refused": sum(row["caption_id"] is not None for row in refused),
        "distinct_captions_share": round(distinct / len(passed), 4) if passed else 0.0,
        "quarantined": dict(Counter(row["reason"] for row in refused if row["caption_id"] is not None)),
        "splits": {
            split: {
                "captions": sum(row["split"] == split for row in passed),
                "groups": len({row["group"] for row in passed if row["split"] == split}),
                "images": len({row["record_id"] for row in passed if row["split"] == split}),
            }
            for split in SPLITS
        },
    }
