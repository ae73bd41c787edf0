"""The retrain that is under way: what the next run needs to go on with it after any interruption."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import filelock

from tasks import paths, strict, worktree
from tasks.retrain.update import Changes

BRANCH = "retrain/"
PINS = "sources"  # folder of what is taken of moving sources
RESULTS = ("dvc.lock", "metrics", "plots")
WRITTEN = (PINS, *RESULTS)  # what a retrain commits


@dataclass(frozen=True)
class Unfinished:
    """One retrain, from the commit of its new pins on."""

    number: int
    base: str  # commit that it started from
    changes: tuple[Changes, ...]
    decisions: tuple[dict[str, Any], ...] = field(default=())  # of the gate, as JSON; empty: not judged yet
    drift: tuple[str, ...] = ()  # lines of Markdown

    @property
    def branch(self) -> str:
        return f"{BRANCH}{self.number}"


def folder() -> Path:
    place = paths.state() / "retrain"
    place.mkdir(exist_ok=True)
    return place


def tree() -> Path:
    """The worktree in which every retrain runs."""
    return folder() / "tree"


def home() -> str:
    """What tells this place for retraining from that of another machine: random, made once."""
    file = folder() / "home"
    if not file.is_file():
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(uuid4().hex, encoding="utf-8")
        partial.replace(file)
    return file.read_text(encoding="utf-8")


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of retraining. Raises `ValueError` when another process does; one that was killed holds nothing."""
    try:
        with filelock.FileLock(folder() / "lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise ValueError("another retrain is at work in this checkout: wait for its end") from error


def load() -> Unfinished | None:
    """None where the last retrain came to its end. Raises `ValueError` when the file is damaged."""
    if not _file().is_file():
        return None
    try:
        return strict.parse(Unfinished, json.loads(_file().read_text(encoding="utf-8")), where=str(_file()))
    except ValueError as error:
        raise ValueError(f"{_file()} is damaged ({error}): delete it, and the next retrain starts anew") from error


def save(retrain: Unfinished) -> None:
    partial = _file().with_suffix(".partial")
    partial.write_text(json.dumps(asdict(retrain), ensure_ascii=False), encoding="utf-8")
    partial.replace(_file())


def finish() -> None:
    """Forget it; its branch is let go, so that it can be checked out elsewhere."""
    worktree.git("checkout", "--quiet", "--detach", cwd=tree())
    _file().unlink()


def next_number() -> int:
    return max(_numbers(), default=0) + 1


def start(revision: str | None) -> str:
    """The commit to start from: of `revision`, else of the newest branch `retrain/…` that has all of this checkout's
    commit behind it and only what retrains write before it, else this checkout's own.

    So new data stays though a model was refused, and what was tried on another `revision` does not.

    Raises `ValueError` for what is no revision; nothing of it ever reaches a shell, or git as an option.
    """
    if revision is not None:
        return _commit(revision)
    head = _commit("HEAD")
    branches = (f"{BRANCH}{number}" for number in sorted(_numbers(), reverse=True))
    return next((_commit(branch) for branch in branches if _goes_on_from(head, branch)), head)


def _goes_on_from(head: str, branch: str) -> bool:
    """Whether `branch` is `head` and what retrains made of it, with the same code and settings."""
    main, ref = paths.root(), f"refs/heads/{branch}"
    if worktree.git("merge-base", head, ref, cwd=main) != head:
        return False
    return not worktree.git("diff", "--name-only", head, ref, "--", ".", *(f":!{name}" for name in WRITTEN), cwd=main)


def _commit(revision: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][\w./~^@{}+-]*", revision, flags=re.ASCII):
        raise ValueError(f"{revision!r} is no revision of git: name a commit, a branch or a tag, such as `main`")
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    try:
        return worktree.git(*asked, cwd=paths.root())
    except ValueError as error:
        raise ValueError(f"there is no revision {revision!r} here: `git fetch`, or see `git branch --all`") from error


def _numbers() -> list[int]:
    names = worktree.git("for-each-ref", "--format=%(refname:lstrip=3)", f"refs/heads/{BRANCH}", cwd=paths.root())
    return [int(name) for name in names.split() if name.isdecimal()]


def _file() -> Path:
    return folder() / "unfinished.json"
