"""Whether a version can be rebuilt: all that stands behind its weights made anew, from the sources on, and compared.

In a worktree of the revision, with a DVC cache and a state of its own, so that nothing is checked out that was built
before; both are deleted at the end. Weights are equal on equal processors, threads and packages only.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tasks import paths, worktree
from tasks.lineage.entries import StageRun, stage_runs
from tasks.lineage.history import LOCK

EQUAL = "equal"
_STANDARD_ERROR = 2  # file descriptor: the audit itself may be JSON on standard output


@dataclass(frozen=True)
class Rebuilt:
    """A stage that ran anew."""

    stage: str
    equal: bool
    outputs: dict[str, str]  # path → `equal`, or both digests


def rebuild(runs: list[StageRun], *, weights: str, commit: str) -> list[Rebuilt]:
    """Make the output `weights` anew from `commit`; gives every stage of `runs`, in their order, beside what it wrote
    then. Raises `ValueError` when it cannot be built."""
    target = next(run.stage for run in runs if weights in run.outputs)
    folder = Path(tempfile.mkdtemp(prefix="rebuild-", dir=paths.state()))
    tree = folder / "tree"
    try:
        worktree.place(tree, commit=commit)
        _dvc("cache", "dir", "--local", str(folder / "cache"), tree=tree)
        _dvc("repro", "--force", "--no-run-cache", target, tree=tree)
        now = stage_runs((tree / LOCK).read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(folder)
        worktree.git("worktree", "prune", cwd=paths.root())
    return [_compared(run, now=now[run.stage]) for run in runs]


def _dvc(*arguments: str, tree: Path) -> None:
    """With no server, and no checkpoint or decoded picture from before."""
    environment = {**worktree.environment(), "SAR_TEXT_STATE": str(tree / ".state"), "SAR_TEXT_TRACKING": "off"}
    command = [sys.executable, "-m", "dvc", *arguments]
    answer = subprocess.run(command, cwd=tree, env=environment, stdout=_STANDARD_ERROR, check=False)
    if answer.returncode != 0:
        raise ValueError(f"`dvc {' '.join(arguments)}` failed; its own message stands above")


def _compared(run: StageRun, *, now: StageRun) -> Rebuilt:
    outputs = {
        path: EQUAL if now.outputs.get(path) == digest else f"{digest} then, {now.outputs.get(path, 'nothing')} now"
        for path, digest in run.outputs.items()
    }
    return Rebuilt(run.stage, all(told == EQUAL for told in outputs.values()), outputs)


def other_packages(requirements: bytes) -> list[str]:
    """Packages that are not installed as `requirements` (a `requirements.lock`) pins them for this system."""
    from packaging.requirements import Requirement

    found = []
    for line in requirements.decode().splitlines():
        if line[:1].isalnum():
            pinned = Requirement(line.rstrip("\\ "))
            if pinned.marker is None or pinned.marker.evaluate():
                now = _installed(pinned.name)
                if now is None or not pinned.specifier.contains(now, prereleases=True):
                    found.append(f"{pinned.name} {now or 'missing'} for {str(pinned.specifier).removeprefix('==')}")
    return found


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
