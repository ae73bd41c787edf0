"""Deterministic tar shards: image bytes as they are, no owner, no clock, every member's place known."""

import tarfile
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path

SHARD_BYTES = 64 * 2**20  # roughly the size of a shard; an image and its mask are never divided


@dataclass(frozen=True)
class Place:
    """Where the bytes of an image, and of its mask if it has one, lie."""

    shard: str
    offset: int
    length: int
    mask_offset: int | None
    mask_length: int | None


class ShardWriter:
    """Writes `000000.tar`, `000001.tar` … into `folder`.

    Headers are ustar (POSIX 1003.1-1988) with zero owner, group and time; a name that does not fit gets a pax record.
    Close it, or use it in a `with` statement: only then is the last shard complete.
    """

    def __init__(self, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._shard_bytes = folder, shard_bytes
        self._file: BufferedWriter | None = None
        self._name = ""
        self._position = self._count = 0

    def add(self, name: str, image: bytes, *, mask: bytes | None = None) -> Place:
        """Append `image` as member `name`, and `mask` as `<name>.mask.png` behind it. Returns where they lie."""
        if self._file is None or (
            self._position and self._position + len(image) + len(mask or b"") > self._shard_bytes
        ):
            self._next()
        offset = self._append(name, image)
        mask_offset = None if mask is None else self._append(f"{name}.mask.png", mask)
        return Place(self._name, offset, len(image), mask_offset, None if mask is None else len(mask))

    def close(self) -> None:
        """End the current shard: two empty blocks, and filled up to a whole record as tar does."""
        if self._file is not None:
            end = 2 * tarfile.BLOCKSIZE
            self._write(bytes(end + -(self._position + end) % tarfile.RECORDSIZE))
            self._file.close()
            self._file = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _next(self) -> None:
        self.close()
        self._name = f"{self._count:06}.tar"
        self._file = (self._folder / self._name).open("wb")
        self._position = 0
        self._count += 1

    def _append(self, name: str, data: bytes) -> int:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        member.mode = 0o644
        self._write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        offset = self._position
        self._write(data + bytes(-len(data) % tarfile.BLOCKSIZE))
        return offset

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._position += len(data)
