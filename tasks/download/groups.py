"""The groups that a source holds, apart from its records: the splits of every text depend on them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tasks import records
from tasks.download.catalog import Source


def write(path: Path, rows: Iterable[Mapping[str, Any]], *, source: Source) -> None:
    """Write each group of the records `rows` once with each split that the source gives its images.

    Raises `ValueError` when the images of one pair stand in two groups: they could then land in two splits.
    """
    found: set[tuple[str, str | None]] = set()
    pairs: dict[str, str] = {}
    for row in rows:
        found.add((row["group"], row["split"]))
        pair = row["pair_id"]
        if pair is not None and pairs.setdefault(pair, row["group"]) != row["group"]:
            raise ValueError(
                f"{source.name}: pair {pair} stands in two groups, {pairs[pair]} and {row['group']}; "
                f"make grouping.pattern in {source.name}.yaml match both images of a pair alike"
            )
    ordered = sorted(found, key=lambda item: (item[0], item[1] or ""))
    records.write(
        path,
        [{"source": source.name, "role": source.role, "group": group, "split": split} for group, split in ordered],
        schema=records.GROUPS,
    )
