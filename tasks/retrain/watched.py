"""`sources/watched/<name>.yaml`: that a source moves, and what of it is taken up. No stage depends on these files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tasks import paths, strict


@dataclass(frozen=True)
class Watch:
    """What is looked at below the address of a source."""

    include: tuple[str, ...] = ("*",)  # globs of paths; `*` crosses folders. Not for git: there the commit tells all
    branch: str = ""  # of a git+https address: the branch whose newest commit is taken

    def takes(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.include)


def names() -> list[str]:
    """Sources that are watched."""
    return sorted(file.stem for file in _folder().glob("*.yaml"))


def load(name: str) -> Watch:
    """Raises `ValueError` naming the key that is wrong."""
    return strict.load(Watch, _folder() / f"{name}.yaml")


@dataclass(frozen=True)
class Seen:
    """An object as it was when it was fetched."""

    tag: str  # the server's ETag (or time of change) and size
    sha256: str


def seen(name: str) -> dict[str, Seen]:
    """Path → what the last look found there. It only spares fetching an object again to see that it is the same.

    Raises `ValueError` when the file is damaged.
    """
    file = _seen_file(name)
    if not file.is_file():
        return {}
    try:
        return {path: Seen(**entry) for path, entry in json.loads(file.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is damaged ({error}): delete it; every object is then fetched once more") from error


def remember(name: str, objects: Mapping[str, Seen]) -> None:
    """Write `objects` as what was `seen`."""
    file = _seen_file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({path: asdict(entry) for path, entry in objects.items()}, indent=0, ensure_ascii=False)
    partial = file.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(file)


def _seen_file(name: str) -> Path:
    return paths.state() / "watched" / f"{name}.json"


def _folder() -> Path:
    return paths.root() / "sources" / "watched"
