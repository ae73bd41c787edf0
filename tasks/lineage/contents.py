"""What the data sets behind a model hold, read from their tables in the DVC cache as whole columns."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks.lineage.cache import Cache

SPLITS = ("train", "val", "test")
TAUGHT = ("train", "val")  # what weights depend on: training itself, and when it ended


@dataclass
class TextSet:
    """A validated data set, in numbers."""

    path: str
    images: dict[str, dict[str, int]] = field(default_factory=dict)  # source → split → images
    text: list[dict[str, Any]] = field(default_factory=list)  # source, route or family, rule: captions, questions
    quarantined: dict[str, int] = field(default_factory=dict)  # reason → rows
    croissant: str = ""  # MD5 of its description `croissant.json`, where it has one


class Tables:
    """The tables of validated data sets, each read once."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self._read: dict[tuple[str, str], pa.Table] = {}

    def rows(self, digest: str, name: str) -> pa.Table:
        """Captions (`train.parquet`) or questions (`train_questions.parquet`), without the text.

        Raises `ValueError` where the cache lacks the data set or the table.
        """
        if (digest, name) not in self._read:
            listing = self.cache.listing(digest)
            if listing is None or name not in listing:
                raise ValueError(f"{name} of data set {digest} is not in the DVC cache: `dvc pull` fetches it")
            kind = "family" if name.endswith("_questions.parquet") else "route"
            columns = ["record_id", "source", "sha256", "group", "rule", kind]
            table = self.cache.table(listing[name], columns=columns).rename_columns([*columns[:-1], "route"])
            self._read[digest, name] = table
        return self._read[digest, name]

    def both(self, digest: str, split: str) -> pa.Table:
        """Captions and questions of a split."""
        return pa.concat_tables([self.rows(digest, f"{split}{kind}.parquet") for kind in ("", "_questions")])


def text_set(path: str, digest: str, *, tables: Tables) -> TextSet:
    """Count images by source and split, text by source and rule, refused rows by reason."""
    found = TextSet(path)
    for split in SPLITS:
        images = tables.both(digest, split).group_by("source").aggregate([("record_id", "count_distinct")])
        for row in images.to_pylist():
            found.images.setdefault(row["source"], dict.fromkeys(SPLITS, 0))[split] = row["record_id_count_distinct"]
    for kind, suffix in (("caption", ""), ("question", "_questions")):
        rows = pa.concat_tables([tables.rows(digest, f"{split}{suffix}.parquet") for split in SPLITS])
        counts = rows.group_by(["source", "route", "rule"]).aggregate([("record_id", "count")]).to_pylist()
        found.text += [
            {
                "kind": kind,
                "source": row["source"],
                "route": row["route"],
                "rule": row["rule"],
                "rows": row["record_id_count"],
            }
            for row in counts
        ]
    found.images = dict(sorted(found.images.items()))
    found.text.sort(key=lambda row: (row["kind"], row["source"], row["route"], row["rule"]))
    found.quarantined = _quarantined(digest, cache=tables.cache)
    found.croissant = (tables.cache.listing(digest) or {}).get("croissant.json", "")
    return found


def _quarantined(digest: str, *, cache: Cache) -> dict[str, int]:
    listing = cache.listing(digest) or {}
    reasons = cache.table(listing["quarantine.parquet"], columns=["reason"])["reason"]
    return {str(row["values"]): int(row["counts"]) for row in reasons.value_counts().to_pylist()}


def images(digests: Iterable[str], *, tables: Tables) -> list[dict[str, str]]:
    """Every image: record, source, digest of its bytes, split; sorted."""
    found = {
        (row["record_id"], row["source"], row["sha256"], split)
        for digest in digests
        for split in SPLITS
        for row in _distinct(tables.both(digest, split), ["record_id", "source", "sha256"]).to_pylist()
    }
    return [dict(zip(("record_id", "source", "sha256", "split"), row, strict=True)) for row in sorted(found)]


def unclean(taught: Iterable[str], *, tested: Iterable[str], tables: Tables) -> dict[str, int]:
    """Images and groups of the test splits of `tested` that a training or a choice among epochs saw in `taught`."""
    seen = pa.concat_tables([tables.both(digest, split) for digest in taught for split in TAUGHT])
    test = pa.concat_tables([tables.both(digest, "test") for digest in tested])
    return {
        "test images": len(pc.unique(test["sha256"])),
        "test images also taught": _shared(seen["sha256"], test["sha256"]),
        "test groups also taught": _shared(seen["group"], test["group"]),
    }


def _shared(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    return int(pc.sum(pc.is_in(pc.unique(other), value_set=pc.unique(one))).as_py() or 0)


def _distinct(table: pa.Table, columns: list[str]) -> pa.Table:
    return table.select(columns).group_by(columns).aggregate([])


def measured(blob: bytes) -> dict[str, Any]:
    """What a validate stage found: leaks, refused rows, review."""
    table = json.loads(blob)
    return {key: table[key] for key in ("leaks", "review", "total") if key in table}
