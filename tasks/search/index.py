"""The index of a folder of images: one vector of SAR-RS-CLIP an image, in one Parquet file kept beside them.

It is built once. Later only files that are new, or whose size, time of change and content differ, are looked at;
another model, or another way to show deep images, builds it anew. It is written whole or not at all, also when a run is
broken off: the next one goes on from there.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sar_models.images import decode
from sar_models.reading import Reading, shown
from sar_models.settings import Hardware
from tasks.download.progress import Bar
from tasks.image_files import images_below
from tasks.models import Opened

if TYPE_CHECKING:
    from sar_models.model import Model

PLACE = ".sar-text/search.parquet"  # below the folder
FORMAT = 1
ABOUT = b"sar_text_search"  # key of the file's own description
BATCH = 64  # images embedded together
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("sha256", pa.string()),
        ("error", pa.string()),  # why there is no embedding
        ("embedding", pa.list_(pa.float32())),  # of length 1
    ]
)


@dataclass(frozen=True)
class Index:
    """The images that can be found, and those that cannot."""

    paths: tuple[str, ...]
    embeddings: NDArray[np.float32]  # (N, D), rows of length 1
    failed: tuple[tuple[str, str], ...]  # path, why
    embedded: int  # images that the model looked at in this run


@dataclass(frozen=True, eq=False)  # what is taken over is the same object
class _Entry:
    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str
    error: str | None
    embedding: NDArray[np.float32] | None


def open_index(
    folder: Path,
    *,
    clip: "Opened[Model]",
    place: Path | None = None,
    reading: Reading | None = None,
    hardware: Hardware,
) -> Index:
    """The index of the images below `folder`, brought up to date, with a progress bar, in `place` (a file).

    Raises `ValueError` when `folder` is none or holds no image, or `place` cannot be written or is no index.
    """
    paths = images_below(folder)
    reading = reading or Reading()
    target = place if place is not None else folder / PLACE
    about = {"format": FORMAT, "weights": clip.version, "reading": asdict(reading)}
    known = _read(target, about)
    _check_writable(target)
    kept: dict[str, _Entry] = {}
    unread: dict[str, str] = {}
    embedded, whole = 0, False
    by_content = {entry.sha256: entry for entry in known.values()}
    waiting: list[tuple[_Entry, NDArray[np.uint8]]] = []
    with Bar("indexing", total=len(paths), unit="files") as bar:
        try:
            for path in paths:
                found = _look(folder, path, known, by_content, reading)
                if isinstance(found, str):
                    unread[path] = found
                elif isinstance(found, _Entry):
                    kept[path] = found
                else:
                    waiting.append(found)
                    bar.moved(found[0].size_bytes)
                if len(waiting) == BATCH:
                    embedded += _embed(waiting, kept, clip.model, hardware)
                bar.finished()
            embedded += _embed(waiting, kept, clip.model, hardware)
            whole = True
        finally:  # also when it is broken off: then what was not reached stays known
            entries = kept if whole else known | kept
            if entries != known:
                _write(target, [entries[path] for path in sorted(entries)], about)
    good = [entry for entry in (kept[path] for path in sorted(kept)) if entry.embedding is not None]
    bad = {entry.path: entry.error for entry in kept.values() if entry.error is not None} | unread
    rows = [entry.embedding for entry in good if entry.embedding is not None]
    embeddings = np.stack(rows) if rows else np.zeros((0, 0), np.float32)
    return Index(tuple(entry.path for entry in good), embeddings, tuple(sorted(bad.items())), embedded)


def best(index: Index, query: NDArray[np.float32], *, n: int) -> list[tuple[str, float]]:
    """Path and cosine of the `n` images nearest to `query` (D,), best first; equal ones by path."""
    if not index.paths:
        return []
    scores = index.embeddings @ query
    order = np.lexsort((np.arange(len(scores)), -scores))[:n]
    return [(index.paths[number], float(scores[number])) for number in order]


def _look(
    folder: Path, path: str, known: Mapping[str, _Entry], by_content: Mapping[str, _Entry], reading: Reading
) -> "_Entry | tuple[_Entry, NDArray[np.uint8]] | str":
    """What is known of an image, or its picture, or why the system does not hand it over (the next run may get it)."""
    try:
        path.encode("utf-8")
        stat = (folder / path).stat()
        entry = known.get(path)
        if entry is not None and (entry.size_bytes, entry.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
            return entry
        if not (folder / path).is_file():
            return "not a regular file"
        data = (folder / path).read_bytes()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8: rename it"
    except OSError as error:
        return error.strerror or type(error).__name__
    sha256 = hashlib.sha256(data).hexdigest()
    same = by_content.get(sha256)
    now = _Entry(path, stat.st_size, stat.st_mtime_ns, sha256, error=None, embedding=None)
    if same is not None:  # moved, copied, or only touched
        return replace(now, error=same.error, embedding=same.embedding)
    try:
        return now, shown(decode(data), reading)
    except ValueError as error:  # one bad file does not stop the others: it is listed at the end
        return replace(now, error=str(error))


def _embed(
    waiting: list[tuple[_Entry, NDArray[np.uint8]]], kept: dict[str, _Entry], clip: "Model", hardware: Hardware
) -> int:
    """Move what waits to `kept`, with its vectors; returns how many these were."""
    from sar_models.infer import embed_images

    if not waiting:
        return 0
    rows = embed_images(clip, [picture for _, picture in waiting], hardware=hardware, batch_size=BATCH)
    for (entry, _), row in zip(waiting, rows, strict=True):
        kept[entry.path] = replace(entry, embedding=row)
    count = len(waiting)
    waiting.clear()
    return count


def _read(place: Path, about: Mapping[str, Any]) -> dict[str, _Entry]:
    """What an earlier run wrote; nothing where it was of another model or reading."""
    if not place.exists():
        return {}
    try:
        table = pq.read_table(place)
        written = json.loads((table.schema.metadata or {})[ABOUT])
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{place} is no index of images, or damaged: delete it, or name another with --index"
        ) from error
    if written != json.loads(json.dumps(about)):
        return {}
    return {entry.path: entry for entry in _entries(table)}


def _entries(table: pa.Table) -> Iterator[_Entry]:
    for row in table.to_pylist():
        vector = row.pop("embedding")
        yield _Entry(**row, embedding=None if vector is None else np.array(vector, np.float32))


def _write(place: Path, entries: Sequence[_Entry], about: Mapping[str, Any]) -> None:
    columns = {name: [getattr(entry, name) for entry in entries] for name in SCHEMA.names}
    schema = SCHEMA.with_metadata({ABOUT: json.dumps(about)})
    partial = place.with_name(f"{place.name}.{os.getpid()}.partial")
    pq.write_table(pa.table(columns, schema=schema), partial)
    partial.replace(place)


def _check_writable(place: Path) -> None:
    """Before the model has looked at thousands of images."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        probe = place.with_name(f"{place.name}.{os.getpid()}.partial")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(
            f"the index cannot be kept in {place} ({error.strerror}): name a file elsewhere with --index"
        ) from error
