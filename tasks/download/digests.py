"""SHA-256 of files, and lists of them as `sha256sum` writes: the check behind every fetched byte."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tasks.download import names
from tasks.download.errors import FetchError

MANIFEST = "manifest.json"  # written into a published folder; never part of a source
MAKE_LIST = (
    "Make the digests with `sar-text digests FOLDER --out sources/NAME.sha256` (or `sha256sum`) from a copy that "
    "you trust, and name the file in `files_list`"
)
_CHUNK_BYTES = 1 << 20
_LINE = re.compile(r"(?P<sha256>[0-9a-fA-F]{64}) [ *](?P<path>.+)")


@dataclass(frozen=True)
class Digest:
    """What a file must be, byte for byte."""

    sha256: str
    size: int  # bytes


class Readable(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes: ...


def of_file(path: Path) -> Digest:
    """Digest of the file `path`."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def copy(stream: Readable, target: Path, *, moved: Callable[[int], None]) -> Digest:
    """Write all of `stream` to `target` and digest it on the way; `moved` hears the bytes of each step."""
    sha256, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        while chunk := stream.read(_CHUNK_BYTES):
            sha256.update(chunk)
            out.write(chunk)
            size += len(chunk)
            moved(len(chunk))
    return Digest(sha256.hexdigest(), size)


def check_hex(value: str, *, where: str) -> str:
    """`value` in lower case. Raises `FetchError` unless it is a SHA-256 of 64 hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise FetchError(f"{where}: {value!r} is not a sha256 (64 hexadecimal digits); `sha256sum FILE` prints it")
    return value.lower()


def read_list(path: Path, *, sha256: str | None = None) -> dict[str, str]:
    """Path → sha256 from a file of `<sha256>  <path>` lines; with `sha256`, the file itself must have that digest.

    Raises `FetchError` when it has another one, or naming the line that does not fit.
    """
    if not path.is_file():
        raise FetchError(f"files_list {path} does not exist: make it with `sar-text digests FOLDER` or `sha256sum`")
    if sha256 is not None and (found := of_file(path).sha256) != sha256.lower():
        raise FetchError(
            f"files_list {path} has sha256 {found}, but files_list_sha256 says {sha256}: take back the change of the "
            "list, or, if it is meant, write the new digest into the source's description"
        )
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise FetchError(f"files_list {path} is no UTF-8 text ({error}): make it with `sar-text digests`") from error
    files: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise FetchError(f"{path} line {number}: expected `<sha256>  <path>` as sha256sum writes, got {line!r}")
        name = names.clean(match["path"], where=f"{path} line {number}")
        if name in files:
            raise FetchError(f"{path} line {number}: {name!r} stands there twice")
        files[name] = match["sha256"].lower()
    if not files:
        raise FetchError(f"{path} lists no file")
    return files


def write_list(folder: Path, path: Path, *, patterns: Sequence[str] = ("**/*",)) -> int:
    """Write the digests of the files of `folder` that match one of `patterns` (globs) to `path`, sorted by name.

    `sha256sum --check` reads the result, and so does a source's `files_list`. Our own manifest and the list itself are
    left out. Returns the number of files; raises `FetchError` when there is none.
    """
    if not folder.is_dir():
        raise FetchError(f"{folder} is not a folder")
    try:
        found = {file.relative_to(folder).as_posix() for pattern in patterns for file in folder.glob(pattern)}
    except (ValueError, NotImplementedError) as error:
        raise FetchError(f"a pattern is one of files below the folder, such as `images/*.png`: {error}") from error
    left_out = {(folder / MANIFEST).resolve(), path.resolve()}
    listed = [name for name in sorted(found) if (folder / name).is_file() and (folder / name).resolve() not in left_out]
    if not listed:
        raise FetchError(f"no file in {folder} matches {', '.join(patterns)}")
    names.check_all(listed, where=str(folder))
    lines = [f"{of_file(folder / name).sha256}  {name}\n" for name in listed]
    path.write_text("".join(lines), encoding="utf-8")
    return len(listed)
