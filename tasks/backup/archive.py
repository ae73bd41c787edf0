"""A backup: one folder with the databases, the artifacts of MLflow, the git repository, and what DVC keeps.

Databases come first: what they name (artifacts, commits, digests) is there before it is named, so that a backup beside
running servers holds all that its databases speak of.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks import paths, worktree
from tasks.backup import databases
from tasks.download import digests

FORMAT = 1
MANIFEST, BUNDLE, ARTIFACTS, DATABASES, DVC = "backup.json", "repository.bundle", "mlartifacts", "databases", "dvc"


@dataclass(frozen=True)
class Backup:
    """What was written."""

    folder: Path
    files: int
    size_bytes: int
    remote: str | None  # where DVC's objects went; None: into the folder
    not_committed: list[str]  # files that are changed or new, which the repository in the backup lacks


def backup(folder: Path, *, database_url: str | None) -> Backup:
    """Write the installation of this checkout into the new `folder`; it is there whole, or not at all.

    Raises `ValueError` when `folder` is there already, nothing was ever committed, or a part cannot be copied.
    """
    if folder.exists():
        raise ValueError(f"{folder} is there already: name a new folder for every backup")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / DATABASES).mkdir(parents=True)
    partial.chmod(0o700)  # names, hashed passwords, and all that was ever said in a log
    databases.dump(partial / DATABASES, database_url=database_url)
    if (paths.state() / ARTIFACTS).is_dir():
        shutil.copytree(paths.state() / ARTIFACTS, partial / ARTIFACTS)
    worktree.git("bundle", "create", "--quiet", str(partial / BUNDLE), "HEAD", "--all", cwd=paths.root())
    remote = _save_objects(partial / DVC)
    files = {path.relative_to(partial).as_posix(): path for path in sorted(partial.rglob("*")) if path.is_file()}
    manifest = {
        "format": FORMAT, "made": datetime.now(UTC).isoformat(timespec="seconds"), "state": str(paths.state()),
        "database": databases.kind(database_url), "dvc_remote": remote,
        "files": {name: digests.of_file(path).sha256 for name, path in files.items()},
    }  # fmt: skip
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder)
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    changed = worktree.git("status", "--porcelain", cwd=paths.root()).splitlines()
    return Backup(folder, len(files), size_bytes, remote, [line.strip() for line in changed])


def restore(folder: Path, *, database_url: str | None) -> None:
    """Bring the databases, artifacts and DVC's objects of a backup into this checkout, which has none yet.

    The checkout itself comes from `git clone FOLDER/repository.bundle`. Raises `ValueError`, before anything is
    written, when the backup is damaged, was made of another place or database, or something would be written over.
    """
    manifest = check(folder)
    kind = databases.kind(database_url)
    if manifest["database"] != kind:
        raise ValueError(
            f"{folder} was made of {manifest['database']}, but "
            + ("DATABASE_URL is set: unset it" if database_url else "DATABASE_URL is not set: set it as it was then")
        )
    if manifest["state"] != str(paths.state()):
        raise ValueError(
            f"{folder} was made with its state in {manifest['state']}, a path that stands in the addresses of its "
            f"artifacts, and here it is {paths.state()}: restore into a clone at the old path, or set SAR_TEXT_STATE "
            "to the old one"
        )
    with _dvc() as repo:
        remote = repo.config["core"].get("remote")
    if manifest["dvc_remote"] and not remote:
        raise ValueError(
            f"{folder} has no data, for it was pushed to the DVC remote '{manifest['dvc_remote']}', which is not known "
            "here: `dvc remote add --default NAME ADDRESS`, then restore"
        )
    artifacts = paths.state() / ARTIFACTS
    if artifacts.exists() and any(artifacts.iterdir()):
        raise ValueError(f"{artifacts} is there already, and nothing is written over: move it away, then restore")
    databases.load(folder / DATABASES, database_url=database_url)
    if (folder / ARTIFACTS).is_dir():
        shutil.copytree(folder / ARTIFACTS, artifacts, dirs_exist_ok=True)
    _bring_objects(folder / DVC)


def check(folder: Path) -> dict[str, Any]:
    """The manifest of the backup in `folder`. Raises `ValueError` naming what of it is missing or damaged."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} is no backup: it has no {MANIFEST} (one that was broken off is named *.partial)")
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        known, files = manifest["format"] == FORMAT, dict(manifest["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / MANIFEST} is damaged ({error}): take another backup") from error
    if not known:
        raise ValueError(f"{folder} has format {manifest['format']}; this version of sar-text reads format {FORMAT}")
    for name, sha256 in files.items():
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} is missing: take another backup")
        if digests.of_file(folder / name).sha256 != sha256:
            raise ValueError(f"{folder / name} is damaged: its bytes have another digest; take another backup")
    return manifest


def _save_objects(target: Path) -> str | None:
    """Push what branches and tags name to the default remote, and give its name; without one, copy the cache."""
    with _dvc() as repo:
        remote: str | None = repo.config["core"].get("remote")
        if remote:
            repo.push(all_branches=True, all_tags=True)
        elif Path(repo.cache.local.path).is_dir():
            shutil.copytree(repo.cache.local.path, target)
    return remote


def _bring_objects(source: Path) -> None:
    with _dvc() as repo:
        if source.is_dir():
            shutil.copytree(source, repo.cache.local.path, dirs_exist_ok=True)
        if repo.config["core"].get("remote"):
            repo.fetch()
        repo.checkout(force=True, allow_missing=True)


@contextmanager
def _dvc() -> Iterator[Any]:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(paths.root())) as repo:
            yield repo
    except DvcException as error:
        raise ValueError(f"what DVC keeps cannot be copied: {error}") from error
