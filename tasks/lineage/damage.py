"""Where in a damaged file the damage lies: which images of a shard, which rows of a table, as far as that can be told.

Every image has a digest of its own in `records.parquet`. A row of a table has none: rows can be told where the same
file lies sound in another place.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.lineage.cache import Cache
from tasks.lineage.copies import Copy

_MOST = 20  # names in one finding
_BLOCK_BYTES = 1 << 20
_KEYS = ("caption_id", "question_id", "record_id")  # the first that a table has tells its rows apart


def where(copy: Copy, *, sound: Copy | None, cache: Cache) -> str:
    """What of `copy` is damaged, as words behind a finding; `sound` is the same file, whole, from another place."""
    try:
        if copy.inner.startswith("shards/"):
            return _images(copy, cache=cache)
        if copy.inner.endswith(".parquet") and sound is not None:
            return _rows(copy, sound=sound)
    except (OSError, ValueError) as error:
        return f"; what of it is damaged cannot be told: {error}"
    return ""


def _images(copy: Copy, *, cache: Cache) -> str:
    listing = cache.listing(copy.folder) or {}
    if "records.parquet" not in listing:
        return "; what of it is damaged cannot be told without records.parquet"
    columns = ["record_id", "shard", "offset", "length", "sha256"]
    table = cache.table(listing["records.parquet"], columns=columns)
    shard = copy.inner.removeprefix("shards/")
    damaged = []
    with copy.open() as file:
        for row in table.filter(pc.equal(table["shard"], shard)).to_pylist():
            file.seek(row["offset"])
            if hashlib.sha256(file.read(row["length"])).hexdigest() != row["sha256"]:
                damaged.append(row["record_id"])
    return f"; damaged images: {_named(damaged)}" if damaged else "; no image of it is damaged, but what stands between"


def _rows(copy: Copy, *, sound: Copy) -> str:
    with sound.open() as file:
        whole = pq.read_table(file)
    key = next(name for name in (*_KEYS, whole.schema.names[0]) if name in whole.schema.names)
    try:
        with copy.open() as file:
            damaged = pq.read_table(file)
    except (OSError, pa.ArrowException):
        return _column(copy, sound=sound, ids=whole[key])
    if damaged.schema != whole.schema or damaged.num_rows != whole.num_rows:
        return f"; it has {damaged.num_rows} rows where it had {whole.num_rows}, or other columns"
    numbers = {
        number
        for name in whole.schema.names
        if not whole[name].equals(damaged[name])
        for number, (was, now) in enumerate(zip(whole[name].to_pylist(), damaged[name].to_pylist(), strict=True))
        if was != now
    }
    names = [str(whole[key][number].as_py()) for number in sorted(numbers)]
    return f"; damaged rows: {_named(names)}" if names else "; no row of it reads otherwise"


def _column(copy: Copy, *, sound: Copy, ids: pa.ChunkedArray) -> str:
    """For a table that cannot be read any more: the column that holds the first byte that differs."""
    at = _first_difference(copy, sound)
    with sound.open() as file, pq.ParquetFile(file) as table:
        first_row = 0
        for group in (table.metadata.row_group(number) for number in range(table.num_row_groups)):
            for part in (group.column(number) for number in range(group.num_columns)):
                began = part.dictionary_page_offset or part.data_page_offset
                if began <= at < began + part.total_compressed_size:
                    rows = f"{ids[first_row].as_py()} to {ids[first_row + group.num_rows - 1].as_py()}"
                    return f"; damaged: column {part.path_in_schema}, which cannot be read, in the rows {rows}"
            first_row += group.num_rows
    return f"; damaged: byte {at}, outside every row, without which it cannot be read"


def _first_difference(one: Copy, other: Copy) -> int:
    """Place in bytes from 0; where one ends before the other, of its end."""
    with (
        one.open() as left,
        other.open() as right,
    ):  # the longer one's rest is told last
        for at, (mine, theirs) in enumerate(zip(_blocks(left), _blocks(right), strict=False)):
            if mine != theirs:
                pairs = enumerate(zip(mine, theirs, strict=False))
                return at * _BLOCK_BYTES + next((n for n, (a, b) in pairs if a != b), min(len(mine), len(theirs)))
        return min(one.size_bytes, other.size_bytes)


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
