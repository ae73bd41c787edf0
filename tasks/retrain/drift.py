"""How far the new images and texts are from what the champion learned from.

Distances are total variation: half the sum of absolute differences of two distributions, 0 (equal) to 1 (nothing in
common); few new images are far from anything by chance, so their number stands beside (Levin, Peres, *Markov Chains and
Mixing Times*, section 4.1).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from tasks import records
from tasks.gate.stored import stored

GREY_BINS = 20
TEXTS = ("optical", "sar")
COLUMNS = ["record_id", "sha256", "text", "claims"]


def report(tree: Path) -> list[str]:
    """Lines of Markdown: of each text the images that are new to the champion, and three distances. Empty where there
    is no champion."""
    from tasks import params
    from tasks.registry import versions

    name = versions.registered_name("clip", params=params.load(tree / "params.yaml"))
    number = versions.alias(name, versions.CHAMPION)
    if number is None:
        return []
    tags = versions.version(name, number).tags
    lines = [f"Against the training data of {name} version {number}.", "",
             "| text | new images | gone | grey levels | classes | words |", "|---|---|---|---|---|---|"]  # fmt: skip
    for modality in TEXTS:
        now = records.read_table(tree / "data" / f"{modality}_text" / "train.parquet", columns=COLUMNS).to_pylist()
        try:
            champion = _champions(tags.get(f"dvc.data.{modality}", ""))
        except ValueError as error:  # purged after a withdrawal, say: the gate refuses for it, with the same words
            return [f"Not known: what {name} version {number} learned from cannot be had. {error}"]
        lines.append(_row(modality, champion, now, means=_means(tree, modality)))
    return lines


def total_variation(one: Mapping[Any, int], other: Mapping[Any, int]) -> float | None:
    """Between two counts, each taken as a distribution; None where one of them is empty."""
    first, second = sum(one.values()), sum(other.values())
    if not first or not second:
        return None
    return sum(abs(one.get(key, 0) / first - other.get(key, 0) / second) for key in {*one, *other}) / 2


def _row(
    modality: str, champion: list[dict[str, Any]], now: list[dict[str, Any]], *, means: Mapping[str, float]
) -> str:
    """Images are told apart by their bytes: one that was put anew under its old name is new."""
    known, here = {row["sha256"] for row in champion}, {row["sha256"] for row in now}
    grey = {row["sha256"]: means[row["record_id"]] for row in now}
    new = [row for row in now if row["sha256"] not in known]
    distances = (
        total_variation(_levels(here - known, grey), _levels(here & known, grey)),
        total_variation(_classes(new), _classes(champion)),
        total_variation(_words(new), _words(champion)),
    )
    shown = " | ".join("none" if each is None else f"{each:.3f}" for each in distances)
    return f"| {modality} | {len(here - known)} | {len(known - here)} | {shown} |"


def _champions(digest: str) -> list[dict[str, Any]]:
    if not digest:
        raise ValueError("the champion has no tag dvc.data.…, so that what it learned from is not known")
    import pyarrow.parquet as pq

    with stored() as kept:
        table = pq.read_table(BytesIO(kept.read(kept.listing(digest)["train.parquet"])), columns=COLUMNS)
    return table.to_pylist()  # type: ignore[no-any-return]


def _means(tree: Path, modality: str) -> dict[str, float]:
    """Mean grey level of each image as shown, 0 to 1; of images in dB that is linear in dB."""
    found: dict[str, float] = {}
    for file in sorted((tree / "data" / "sources" / modality).glob("*/features.parquet")):
        rows = records.read_table(file, columns=["record_id", "mean"]).to_pylist()
        found |= {row["record_id"]: row["mean"] for row in rows if row["mean"] is not None}
    return found


def _levels(ids: Iterable[str], grey: Mapping[str, float]) -> Counter[int]:
    return Counter(min(int(grey[each] * GREY_BINS), GREY_BINS - 1) for each in ids)


def _classes(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Images that a text claims a class of, counted once an image."""
    claimed = ((row["record_id"], claim) for row in rows for claim in row["claims"] or [])
    pairs = {(record, claim["subject"]) for record, claim in claimed if claim["value"] != "0"}
    return Counter(subject for _, subject in pairs)


def _words(rows: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(word.strip(".,;:") for row in rows for word in row["text"].lower().split())
