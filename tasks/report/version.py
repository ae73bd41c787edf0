"""One state of the project: the files as they lie here, a profile's results in `runs/`, or a commit.

Small files (settings, lock, metrics, plots) are in git; data and weights are in the working tree or in DVC's cache.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tasks import paths, tracking

PROFILED = ("dvc.lock", "metrics/", "plots/")  # what `runs/<profile>/` keeps


@dataclass(frozen=True)
class Version:
    """`small` gives the bytes of a file in git and `place` where a file of a DVC output lies, each by its path from the
    repository root, or null where there is none."""

    name: str  # as the user called it
    commit: str
    small: Callable[[str], bytes | None]
    place: Callable[[str], Path | None]

    def json(self, path: str) -> Any:
        """The document at `path`, null where there is none. Raises `ValueError` naming a damaged file."""
        return None if (data := self.small(path)) is None else _json(data, f"{path} of {self.name}")

    def settings(self) -> dict[str, Any]:
        """`params.yaml`, nested keys joined by dots. Raises `ValueError` when it is missing or damaged."""
        return tracking.flat(self._mapping("params.yaml"))

    def digests(self) -> dict[str, str]:
        """Digest of every stage output by `dvc.lock`; none before the first run."""
        if self.small("dvc.lock") is None:
            return {}
        try:
            stages = self._mapping("dvc.lock")["stages"].values()
            return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
        except (AttributeError, TypeError, KeyError) as error:
            raise ValueError(f"dvc.lock of {self.name} is damaged ({error})") from error

    def _mapping(self, path: str) -> dict[str, Any]:
        data = self.small(path)
        if data is None:
            raise ValueError(f"{self.name} has no {path}")
        try:
            found = yaml.load(data, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise ValueError(f"{path} of {self.name} is damaged: {error}") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path} of {self.name} is damaged: it holds no mapping")
        return found


def of_tree() -> Version:
    """The files as they lie here."""
    root = paths.root()

    def place(path: str) -> Path | None:
        return root / path if (root / path).is_file() else None

    def small(path: str) -> bytes | None:
        return None if (found := place(path)) is None else found.read_bytes()

    return Version("the working tree", tracking.git_commit(), small, place)


def of_profile(profile: str) -> Version:
    """The results of `sar-text run <profile>`. Raises `ValueError` for one that was never run."""
    root = paths.root()
    ran = sorted(folder.parent.name for folder in (root / "runs").glob("*/dvc.lock"))
    if profile not in ran:  # also a path: what is read would lie wherever it leads
        raise ValueError(f"no run of a profile '{profile}' in runs/; there are: {', '.join(ran) or 'none'}")

    def small(path: str) -> bytes | None:
        inside = f"runs/{profile}/{path}" if path.startswith(PROFILED) else path
        found = root / (f"profiles/{profile}.yaml" if path == "params.yaml" else inside)
        return found.read_bytes() if found.is_file() else None

    commit = git("log", "-1", "--format=%H", "--", f"runs/{profile}")
    return _cached(f"runs/{profile}", commit, small)


def of_revision(revision: str) -> Version:
    """A commit, branch or tag of git. Raises `ValueError` for an unknown one."""
    commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise ValueError(f"'{revision}' is no commit, branch or tag of this repository; `git log --oneline` lists them")

    def small(path: str) -> bytes | None:
        answer = subprocess.run(
            ["git", "show", f"{commit}:./{path}"], cwd=paths.root(), capture_output=True, check=False
        )
        return answer.stdout if answer.returncode == 0 else None

    return _cached(revision, commit, small)


def _cached(name: str, commit: str, small: Callable[[str], bytes | None]) -> Version:
    """A version whose data and weights are looked for in DVC's cache."""
    digests: dict[str, str] = {}

    def place(path: str) -> Path | None:
        return cached(digests, path)

    version = Version(name, commit, small, place)
    digests |= version.digests()
    return version


def cached(digests: Mapping[str, str], path: str) -> Path | None:
    """Where the file `path` of the outputs `digests` lies in DVC's cache; null where it is not cached.

    Raises `ValueError` when a folder's listing in the cache is damaged.
    """
    output = next((out for out in digests if path == out or path.startswith(f"{out}/")), None)
    if output is None:
        return None
    digest = digests[output]
    if digest.endswith(".dir"):
        listing = Path(_store(paths.root())(digest))
        if not listing.is_file():
            return None
        files = {entry["relpath"]: entry["md5"] for entry in _json(listing.read_bytes(), str(listing))}
        inside = path.removeprefix(f"{output}/")
        if inside not in files:
            return None
        digest = files[inside]
    place = Path(_store(paths.root())(digest))
    return place if place.is_file() else None


@cache
def _store(root: Path) -> Callable[[str], str]:
    """Digest → path in DVC's cache, wherever the configuration puts it."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        path_of: Callable[[str], str] = repo.cache.local.oid_to_path
    return path_of


def git(*arguments: str) -> str:
    """What git says, empty where it fails."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=paths.root(), capture_output=True, text=True, check=False).stdout.strip()


def _json(data: bytes, where: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:  # no UTF-8, or no JSON
        raise ValueError(f"{where} is damaged ({error})") from error
