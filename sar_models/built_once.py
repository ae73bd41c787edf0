"""Files that are built once and then shared: by stages side by side, the processes of one training, and later runs."""

import json
import os
import shutil
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

CHECKSUMS = "checksums.json"
BLOCK = 1 << 20
KEPT_S = 30 * 86_400


def built_once(folder: Path, *, build: Callable[[Path], None]) -> Path:
    """`folder` with what `build` writes into it, built now unless it lies there whole.

    Of several processes one builds, the others wait. What was interrupted is never seen: the files are written beside
    `folder`, which is their name only once they are all there. Sizes and checksums are compared at every opening; what
    is damaged is said and built again. Whoever builds removes the folders beside it that were not opened for 30 days.
    """
    _used_now(folder)
    if _whole(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if _whole(folder):
            return folder
        if folder.exists():
            print(f"{folder} is damaged: it is built again", file=sys.stderr, flush=True)
            shutil.rmtree(folder)
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
        partial.mkdir()
        build(partial)
        sums = {path.name: _size_and_checksum(path) for path in sorted(partial.iterdir())}
        (partial / CHECKSUMS).write_text(json.dumps(sums))
        partial.rename(folder)
        _remove_unused(folder.parent)
    return folder


def _used_now(folder: Path) -> None:
    """The folder's own time says when it was opened last."""
    if folder.is_dir():
        os.utime(folder)


def _remove_unused(parent: Path) -> None:
    """Folders that nobody opened for `KEPT_S`: their names are digests of inputs that have changed since. Who maps a
    file of one keeps what is mapped."""
    for other in parent.iterdir():
        if other.is_dir() and time.time() - other.stat().st_mtime > KEPT_S:
            shutil.rmtree(other)
            print(f"{other} was not used for {KEPT_S // 86_400} days: removed", file=sys.stderr, flush=True)


def _whole(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    try:
        expected = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))
        return bool(expected) and all(_size_and_checksum(folder / name) == sums for name, sums in expected.items())
    except (OSError, ValueError):
        return False


def _size_and_checksum(path: Path) -> list[int]:
    """CRC-32, against accidents and not against malice; read in blocks, so that no memory is needed."""
    checksum, size = 0, 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            checksum, size = zlib.crc32(block, checksum), size + len(block)
    return [size, checksum]
