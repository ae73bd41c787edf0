"""Between the machine of a retrain and those that run a stage for it: git carries `dvc.lock` and what git holds of the
outputs, the DVC remote carries the rest.

The machine of the retrain offers the state of its worktree under `refs/sar-text/HOME/STAGE/before`; the one that runs
the stage hands back its own under `…/after`, from which the entry of that stage in `dvc.lock` is taken.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import yaml

from tasks import dvc_process, paths, worktree
from tasks.retrain import unfinished

WHO = ("-c", "user.name=sar-text retrain", "-c", "user.email=retrain@localhost", "-c", "commit.gpgsign=false")
_dvc = partial(dvc_process.run, show=partial(print, flush=True))


def git_remote() -> str | None:
    """The remote of git through which machines exchange, `SAR_TEXT_GIT_REMOTE`; None: all stages run on this one.

    Raises `ValueError` when it cannot be one.
    """
    name = os.environ.get("SAR_TEXT_GIT_REMOTE")
    if name and not re.fullmatch(r"\w[\w.-]*", name, flags=re.ASCII):
        raise ValueError(f"SAR_TEXT_GIT_REMOTE is {name!r}: name a remote of git, such as `origin`")
    return name or None


def dvc_remote() -> bool:
    """Whether DVC has a default remote."""
    from dvc.repo import Repo

    with Repo(str(paths.root())) as repo:
        return bool(repo.config["core"].get("remote"))


def check() -> None:
    """Raises `ValueError` when machines are to exchange by git, and have nothing to exchange data by."""
    if git_remote() and not dvc_remote():
        raise ValueError(
            "SAR_TEXT_GIT_REMOTE is set, but no DVC remote is: `dvc remote add --default NAME URL` names the storage "
            "through which machines exchange data (docs/operations.md)"
        )


def offer(stage: str, *, reads: Sequence[str]) -> None:
    """Let other machines have what `stage` reads."""
    home, tree = unfinished.home(), unfinished.tree()
    if reads:
        _dvc("push", "--quiet", *reads, what=f"sending what {stage} reads", tree=tree)
    _push(tree, _ref(stage, home, "before"))
    _forget(_ref(stage, home, "after"), tree=tree)


def own_tree(stage: str) -> Path:
    """The worktree for `stage` of a retrain on another machine."""
    return paths.state() / "retrain" / "stages" / stage


def accept(stage: str, *, home: str, tree: Path) -> None:
    """Bring `tree` to what was offered. Raises `ValueError` when this machine cannot run it."""
    if git_remote() is None:
        raise ValueError(
            f"{stage} is of a retrain on another machine: set SAR_TEXT_GIT_REMOTE for this worker and for that of the "
            "retrain, or let both run on one machine (docs/operations.md)"
        )
    tree.parent.mkdir(parents=True, exist_ok=True)
    worktree.place(tree, commit=_fetch(_ref(stage, home, "before"), tree=paths.root()))
    worktree.share_cache(tree)


def hand_back(stage: str, *, home: str, tree: Path) -> None:
    """Give the retrain what `stage` wrote; its data are on the DVC remote. The worktree is removed."""
    _push(tree, _ref(stage, home, "after"))
    worktree.git("worktree", "remove", "--force", str(tree), cwd=paths.root())


def take(stage: str) -> None:
    """Take up what another machine handed back of `stage`; nothing where it ran on this one."""
    home, tree = unfinished.home(), unfinished.tree()
    before, after = (_ref(stage, home, when) for when in ("before", "after"))
    if worktree.git("ls-remote", str(git_remote()), after, cwd=tree):
        commit = _fetch(after, tree=tree)
        entry = yaml.safe_load(worktree.git("show", f"{commit}:dvc.lock", cwd=tree))["stages"][stage]
        with _locked(tree):
            _enter(stage, entry, lock=tree / "dvc.lock")
            for path in (output["path"] for output in entry.get("outs", [])):
                if worktree.git("ls-tree", "--name-only", commit, path, cwd=tree):  # else DVC has it
                    worktree.git("restore", f"--source={commit}", "--staged", "--worktree", "--", path, cwd=tree)
        _dvc("pull", "--quiet", stage, what=f"fetching what {stage} wrote", tree=tree)
    _forget(before, after, tree=tree)


def _enter(stage: str, entry: object, *, lock: Path) -> None:
    """Write what DVC says of a stage into `dvc.lock`, as DVC itself does."""
    from dvc.utils.serialize import modify_yaml

    with modify_yaml(str(lock)) as data:
        data.setdefault("schema", "2.0")
        data.setdefault("stages", {})[stage] = entry


def _push(tree: Path, ref: str) -> None:
    """Send the worktree as it is, all that git does not ignore, as a commit under `ref`; no branch moves."""
    with _locked(tree):
        worktree.git("add", "--all", cwd=tree)
        contents = worktree.git("write-tree", cwd=tree)
    commit = worktree.git(*WHO, "commit-tree", contents, "-p", "HEAD", "-m", f"On its way: {ref}", cwd=tree)
    worktree.git("push", "--quiet", "--force", "--no-verify", str(git_remote()), f"{commit}:{ref}", cwd=tree)


def _fetch(ref: str, *, tree: Path) -> str:
    worktree.git("fetch", "--quiet", "--no-tags", str(git_remote()), f"+{ref}:{ref}", cwd=tree)
    commit = worktree.git("rev-parse", ref, cwd=tree)
    worktree.git("update-ref", "-d", ref, cwd=tree)
    return commit


def _forget(*refs: str, tree: Path) -> None:
    there = [ref for ref in refs if worktree.git("ls-remote", str(git_remote()), ref, cwd=tree)]
    if there:
        worktree.git("push", "--quiet", "--no-verify", str(git_remote()), *(f":{ref}" for ref in there), cwd=tree)


def _ref(stage: str, home: str, when: str) -> str:
    return f"refs/sar-text/{home}/{stage}/{when}"


@contextmanager
def _locked(tree: Path) -> Iterator[None]:
    """Hold DVC's lock, so that no stage beside writes `dvc.lock` meanwhile."""
    from dvc.lock import make_lock

    folder = tree / ".dvc" / "tmp"
    folder.mkdir(exist_ok=True)
    with make_lock(str(folder / "lock"), tmp_dir=str(folder), wait=True):
        yield
