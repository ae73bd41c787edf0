"""Which file names may stand in a source: those that mean the same file, below the folder, on every system."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from tasks.download.errors import FetchError

_LONGEST_NAME_BYTES = 255  # of one path component, on all common file systems


def clean(name: str, *, where: str) -> str:
    """`name` as a relative POSIX path without `./` and doubled slashes.

    Raises `FetchError` that names `name` and `where` (an archive, a list) when it is absolute, climbs out of the
    folder, holds a backslash, a drive letter or a control character, or is too long for a file system.
    """
    path = PurePosixPath(name)
    fault = None
    if not path.parts:
        fault = "it is empty"
    elif path.is_absolute():
        fault = "it is an absolute path"
    elif ".." in path.parts:
        fault = "it climbs out of the folder (path traversal)"
    elif "\\" in name:
        fault = "it holds a backslash, which is a path separator on some systems"
    elif re.match(r"[A-Za-z]:", name):
        fault = "it begins with a drive letter"
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        fault = "it holds a control character or is not valid text"
    elif any(len(part.encode()) > _LONGEST_NAME_BYTES for part in path.parts):
        fault = f"a part of it is longer than {_LONGEST_NAME_BYTES} bytes"
    if fault:
        raise FetchError(f"{where}: refused {name!r}: {fault}. Correct the list, or do not trust the archive")
    return path.as_posix()


class Clashes:
    """Refuses names that would overwrite one another, also where a file system ignores case or Unicode form."""

    def __init__(self, *, where: str) -> None:
        self._where = where
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, path: str) -> None:
        """Remember the file `path` (as from `clean`). Raises `FetchError` that names it and the one in its way."""
        folded = _fold(path)
        parents = [_fold(parent.as_posix()) for parent in PurePosixPath(path).parents if parent.parts]
        if folded in self._files:
            other = self._files[folded]
            raise FetchError(
                f"{self._where}: refused {path!r}: it stands there twice"
                if other == path
                else f"{self._where}: refused {path!r}: it differs from {other!r} only in case or Unicode form, "
                "so one would overwrite the other on some file systems"
            )
        clash = next((self._files[parent] for parent in parents if parent in self._files), self._folders.get(folded))
        if clash is not None:
            raise FetchError(f"{self._where}: refused {path!r}: a name is both a file and a folder (see {clash!r})")
        self._files[folded] = path
        self._folders.update(dict.fromkeys(parents, path))


def check_all(paths: Iterable[str], *, where: str) -> None:
    """Raise `FetchError` unless every path is clean as it stands and no two clash."""
    clashes = Clashes(where=where)
    for path in paths:
        if clean(path, where=where) != path:
            raise FetchError(f"{where}: write {path!r} as {clean(path, where=where)!r}")
        clashes.add(path)


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
