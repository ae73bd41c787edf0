"""Files with a digest, wherever they lie, and their digests computed anew on all processors."""

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Copy:
    """Bytes that must have a digest: where they lie, and what they are to the lineage."""

    place: str  # cache | working tree | remote
    path: str
    output: str  # such as data/sar_text b57902b7bf63
    folder: str  # DVC's digest of that output
    inner: str  # path below it, such as train.parquet; empty: the output itself, of a folder its listing
    md5: str
    size_bytes: int
    open: Callable[[], Any] = field(compare=False)

    @property
    def what(self) -> str:
        return f"{self.output}: {self.inner or ('its listing' if self.folder.endswith('.dir') else 'itself')}"


def of_file(path: Path, *, place: str, output: str, folder: str, inner: str, md5: str) -> Copy:
    """A file on this disk."""
    return Copy(place, str(path), output, folder, inner, md5, path.stat().st_size, lambda: path.open("rb"))


def hash_all(copies: Iterable[Copy]) -> list[tuple[Copy, str]]:
    """Each with the MD5 that it has now, or why it has none; the largest first."""
    ordered = sorted(copies, key=lambda copy: -copy.size_bytes)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(zip(ordered, threads.map(_md5, ordered), strict=True))


def _md5(copy: Copy) -> str:
    digest = hashlib.md5()
    try:
        with copy.open() as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        return f"nothing, for it cannot be read ({error})"
    return digest.hexdigest()
