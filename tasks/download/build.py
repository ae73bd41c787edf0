"""The items of a source → its records, features and shards, in one folder that appears at once or not at all."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tasks import records, spread
from tasks.download.catalog import Source
from tasks.download.formats import Item, Reader
from tasks.download.prepare import Prepared, prepare
from tasks.download.progress import Bar
from tasks.download.shards import SHARD_BYTES, ShardWriter
from tasks.download.summary import DownloadSummary, summarise

_BATCH_BYTES = 16 * 2**20  # of image files that travel together to another process and back
_BATCH = 32  # files, at most


def build(
    source: Source,
    *,
    description: Path,
    raw: Path,
    out: Path,
    read: Reader,
    threads: int | None = None,
    shard_bytes: int = SHARD_BYTES,
    withheld: frozenset[str] = frozenset(),
) -> DownloadSummary:
    """Write `out` from the files in `raw`: records.parquet, features.parquet, shards/ and source.yaml, which is
    `description` as it was when this was built; given_questions.parquet where the source asks some. What was there is
    replaced. Records in `withheld` are left out.

    Everything is written beside `out` first, the records last, and moved when it is complete. The bytes do not depend
    on `threads` (default: one a processor), nor on the processes that spread.py has the work done by. Raises
    `ValueError` naming the file for whatever does not fit.
    """
    items = sorted(read(raw, source), key=lambda item: item.path)
    twice = [path for path, count in Counter(item.path for item in items).items() if count > 1]
    if twice:
        raise ValueError(
            f"{source.name}: the annotation lists {twice[0]} more than once ({len(twice)} such images): records would "
            "share an id; merge the entries"
        )
    if not items:
        raise ValueError(f"{source.name}: the reader of format '{source.format}' found no image in {raw.name}")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        shutil.copyfile(description, partial / "source.yaml")
        summary = _write(
            source, items, raw=raw, folder=partial, threads=threads, shard_bytes=shard_bytes, withheld=withheld
        )
        if out.exists():
            shutil.rmtree(out)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return summary


def _write(
    source: Source,
    items: Sequence[Item],
    *,
    raw: Path,
    folder: Path,
    threads: int | None,
    shard_bytes: int,
    withheld: frozenset[str],
) -> DownloadSummary:
    rows: list[dict[str, Any]] = []
    measured: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    patches = 0
    with ExitStack() as stack:
        bar = stack.enter_context(Bar(f"{source.name}: decode and store", total=len(items), unit="files"))
        writer = stack.enter_context(ShardWriter(folder / "shards", shard_bytes=shard_bytes))
        for prepared in _in_order(source, items, raw=raw, threads=threads or os.cpu_count() or 1):
            left_out.update(prepared.left_out)
            patches += len(prepared.entries) if prepared.cut else 0
            for entry in prepared.entries:
                if entry.record["record_id"] in withheld:
                    continue
                rows.append(entry.record | asdict(writer.add(entry.member, entry.data, mask=entry.mask)))
                measured.append(entry.features)
                asked += [
                    {"record_id": entry.record["record_id"], "question": question.text, "answer": question.answer,
                     "family": question.family}
                    for question in entry.questions or ()
                ]  # fmt: skip
                bar.moved(len(entry.data))
            bar.finished()
    if not rows and withheld:
        raise ValueError(f"{source.name}: every record was left out or withdrawn: take it out of params.yaml")
    if not rows:
        raise ValueError(
            f"{source.name}: every patch was left out ({dict(left_out)}): see `patches` in sources/{source.name}.yaml"
        )
    rows.sort(key=lambda row: str(row["record_id"]))
    measured.sort(key=lambda row: str(row["record_id"]))
    records.write(folder / "features.parquet", measured, schema=records.FEATURES)
    if asked:
        asked.sort(key=lambda row: str(row["record_id"]))
        records.write(folder / "given_questions.parquet", asked, schema=records.GIVEN_QUESTIONS)
    records.write(folder / "records.parquet", rows, schema=records.RECORDS)
    return summarise(rows, images=len(items), patches=patches, questions=len(asked), left_out=left_out)


def _in_order(source: Source, items: Sequence[Item], *, raw: Path, threads: int) -> Iterator[Prepared]:
    """`prepare` of each item, in their order. Threads are enough for two cores: decoding and array work release the
    lock; of many cores, processes get more."""
    work = partial(_prepare, source, raw=raw.resolve())
    batches = _batches(items, raw=raw) if spread.is_spread() else ((item,) for item in items)
    for prepared in spread.in_order(work, batches, threads=threads):
        yield from prepared


def _prepare(source: Source, items: Sequence[Item], *, raw: Path) -> list[Prepared]:
    return [prepare(source, item, raw=raw) for item in items]


def _batches(items: Sequence[Item], *, raw: Path) -> Iterator[Sequence[Item]]:
    """Cut the items so that neither their number nor their bytes are too many for one message."""
    batch: list[Item] = []
    total = 0
    for item in items:
        file = raw / item.path
        size = file.stat().st_size if file.is_file() else 0  # `prepare` says what is wrong with it
        if batch and (len(batch) == _BATCH or total + size > _BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch
