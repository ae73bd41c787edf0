"""Archives (zip, tar, tar.gz): recognised by content, and opened as if an enemy had made them.

Refused by the name of the member: paths that leave the folder, links, devices, encrypted members, names that overwrite
one another, and more members or bytes than `Limits` allow (decompression bombs).
"""

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from tasks.download import digests, names
from tasks.download.digests import Digest
from tasks.download.errors import FetchError
from tasks.download.progress import Bar

Kind = Literal["zip", "tar", "tar.gz"]

_BLOCK_BYTES = 512  # of tar
_LONGEST_HEADER_BYTES = 16 << 20  # tar reads an extended header into memory whole
_RESOURCE_FORKS = "__MACOSX/"  # macOS puts a shadow of every file there; a reader of *.jpg would take it for an image
_FOREIGN = {b"Rar!": "RAR", b"7z\xbc\xaf": "7z", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
            ValueError, OverflowError, RecursionError)  # fmt: skip
_BOMB = (
    "This looks like a decompression bomb; if you trust the archive, unpack it yourself and give the folder as "
    "`file:///…` with a `files_list`"
)
_LINKS = "Only plain files are unpacked; list the ones you want in `files_list` without it"


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to. Imagery is packed already: ratios above 10 are rare but for empty masks."""

    members: int = 2_000_000
    total_bytes: int = 1 << 40
    ratio: float = 100.0  # unpacked to packed size, of the whole archive …
    floor_bytes: int = 1 << 30  # … once more than this is unpacked


class _Account:
    """Counts what is unpacked against the limits, before it is written."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self._where, self._limits, self._packed = archive.name, limits, archive.stat().st_size
        self._members = self._bytes = 0

    def add(self, name: str, size: int) -> None:
        if size < 0:  # such a header sends a reader of tar backwards, round and round
            raise FetchError(f"{self._where}: refused {name!r}: a size below zero. {_BOMB}")
        self._members += 1
        self._bytes += size
        limits = self._limits
        allowed = min(limits.total_bytes, max(limits.floor_bytes, int(limits.ratio * self._packed)))
        if self._members > limits.members:
            raise FetchError(f"{self._where}: refused at {name!r}: more than {limits.members:,} members. {_BOMB}")
        if self._bytes > allowed:
            raise FetchError(
                f"{self._where}: refused at {name!r}: it would unpack to {self._bytes:,} bytes or more from "
                f"{self._packed:,}, above the limit of {allowed:,}. {_BOMB}"
            )


def kind(file: Path) -> Kind | None:
    """What archive `file` is, by its content; None for any other file.

    Raises `FetchError` for archives of kinds that are not read here, such as RAR.
    """
    with file.open("rb") as stream:
        start = stream.read(_BLOCK_BYTES)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return "zip"
    if _is_tar(start):
        return "tar"
    if start[:2] == b"\x1f\x8b":
        with file.open("rb") as stream, _named_faults(file.name, ""):
            return "tar.gz" if _is_tar(gzip.GzipFile(fileobj=stream).read(_BLOCK_BYTES)) else None
    for magic, name in _FOREIGN.items():
        if start.startswith(magic):
            raise FetchError(
                f"{file.name} is a {name} archive, which is not read here (zip, tar and tar.gz are): unpack it "
                "yourself and give the folder as `file:///…` or below SAR_TEXT_MIRROR, with a `files_list` made by "
                "`sar-text digests FOLDER`"
            )
    return None


def unpack(archive: Path, folder: Path, *, only: Collection[str] = (), limits: Limits, title: str) -> dict[str, Digest]:
    """Unpack the files of `archive` (all, or those named in `only`) into `folder`, and digest them on the way.

    Folder entries, modes, owners and times are not kept, so that equal content gives equal trees. Raises `FetchError`
    that names the member for every refusal of this module; `folder` is then to be thrown away.
    """
    form = kind(archive)
    assert form is not None, f"{archive} is no archive"
    read = _zip if form == "zip" else _tar
    content: dict[str, Digest] = {}
    clashes = names.Clashes(where=archive.name)
    with Bar(title) as bar:
        moved = bar.moved if form == "zip" else _nothing  # of a tar, packed bytes are counted: their total is known
        for name, size, stream in read(archive, limits, only, bar):
            clashes.add(name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with _named_faults(archive.name, name):
                content[name] = digests.copy(stream, target, moved=moved)
            if content[name].size != size:
                raise FetchError(
                    f"{archive.name}: {name!r} is truncated or damaged: {content[name].size} of {size} bytes"
                )
    missing = sorted(set(only) - content.keys())
    if missing:
        raise FetchError(
            f"{archive.name} holds no {missing[0]!r} ({len(missing)} listed files are missing): correct `files`"
        )
    if not content:
        raise FetchError(f"{archive.name} holds no file")
    return content


_Members = Iterator[tuple[str, int, digests.Readable]]


def _zip(archive: Path, limits: Limits, only: Collection[str], bar: Bar) -> _Members:
    where, account, packed = archive.name, _Account(archive, limits), 0
    with _named_faults(where, ""), zipfile.ZipFile(archive) as file:
        wanted: list[tuple[str, zipfile.ZipInfo]] = []
        for member in file.infolist():  # all of them before the first byte is written
            name = names.clean(member.orig_filename, where=where)
            account.add(name, member.file_size)
            packed += member.compress_size
            if packed > archive.stat().st_size:
                raise FetchError(f"{where}: refused at {name!r}: its members overlap. {_BOMB}")
            if member.is_dir() or not _is_wanted(name, only):
                continue
            mode = member.external_attr >> 16
            if stat.S_ISLNK(mode):
                raise FetchError(f"{where}: refused {name!r}: it is a link. {_LINKS}")
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise FetchError(f"{where}: refused {name!r}: it is a device or another special file. {_LINKS}")
            if member.flag_bits & 0x1:
                raise FetchError(
                    f"{where}: {name!r} is encrypted: unpack it with its password and give the folder as `file:///…` "
                    "with a `files_list`"
                )
            wanted.append((name, member))
        bar.expect(sum(member.file_size for _, member in wanted))
        for name, member in wanted:
            with _named_faults(where, name):
                stream = file.open(member)
            with stream:
                yield name, member.file_size, stream


def _tar(archive: Path, limits: Limits, only: Collection[str], bar: Bar) -> _Members:
    where, account = archive.name, _Account(archive, limits)
    with archive.open("rb") as raw, _named_faults(where, ""):
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        bar.expect(archive.stat().st_size)
        stream = _Guarded(gzip.GzipFile(fileobj=raw) if packed else raw, raw, where, bar)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as file:
            for member in file:
                if member.isdir() and member.name in (".", "./"):
                    continue
                name = names.clean(member.name, where=where)
                account.add(name, member.size)
                if member.isdir() or not _is_wanted(name, only):
                    continue
                if member.issym() or member.islnk():
                    raise FetchError(f"{where}: refused {name!r}: it is a link to {member.linkname!r}. {_LINKS}")
                if not member.isreg():
                    raise FetchError(f"{where}: refused {name!r}: it is a device or another special file. {_LINKS}")
                content = file.extractfile(member)
                assert content is not None
                yield name, member.size, content


class _Guarded(io.RawIOBase):
    """A stream that refuses to hand out a tar header too long to be one, which would fill the memory."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, raw: IO[bytes], where: str, bar: Bar) -> None:
        self._stream, self._raw, self._where, self._bar = stream, raw, where, bar
        self._seen = 0  # bytes of the packed file

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER_BYTES:
            raise FetchError(f"{self._where}: refused: a tar header of {size:,} bytes. {_BOMB}")
        chunk = self._stream.read(size)
        now = self._raw.tell()
        self._bar.moved(now - self._seen)
        self._seen = now
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


@contextmanager
def _named_faults(where: str, name: str) -> Iterator[None]:
    """Turn what the libraries say about damaged archives into a `FetchError` that names the member."""
    try:
        yield
    except FetchError:
        raise
    except NotImplementedError as error:
        raise FetchError(
            f"{where}: {name!r} cannot be unpacked: {error}. Unpack it yourself with another tool"
        ) from error
    except _DAMAGED as error:
        at = f" at {name!r}" if name else ""
        raise FetchError(
            f"{where} is truncated or damaged{at}: {error}. Fetch it again, or ask its publisher"
        ) from error


def _is_tar(block: bytes) -> bool:
    """Whether `block` is a tar header with a right checksum (also those older than the `ustar` mark)."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _nothing(size: int) -> None:
    """Hears of bytes that are counted elsewhere."""


def _is_wanted(name: str, only: Collection[str]) -> bool:
    return name in only if only else not name.startswith(_RESOURCE_FORKS)
