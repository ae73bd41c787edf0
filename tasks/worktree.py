"""A git worktree of this repository below `.state/`, in which the pipeline runs without touching what lies here.

DVC's cache, the servers and all that `.state/` keeps are shared.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tasks import paths


def place(tree: Path, *, commit: str) -> None:
    """Make the worktree `tree` of this repository at `commit`, or bring it there; changes of tracked files are lost."""
    main = paths.root()
    if (tree / ".git").exists():
        git("worktree", "repair", str(tree), cwd=main)  # the repository may have been moved since
        git("checkout", "--force", "--detach", commit, cwd=tree)
    else:
        git("worktree", "prune", cwd=main)
        git("worktree", "add", "--force", "--detach", str(tree), commit, cwd=main)


def environment() -> dict[str, str]:
    """For what runs in a worktree: this Python, this state, no trace of the stage or flow that starts it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `python` in dvc.yaml is this one
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "PREFECT__"))}
    if mirror := kept.get("SAR_TEXT_MIRROR"):
        kept["SAR_TEXT_MIRROR"] = str(Path(mirror).resolve())  # the steps run in another folder
    return {**kept, "SAR_TEXT_STATE": str(paths.state()), "PATH": path}


def share_cache(tree: Path) -> None:
    """Let DVC in `tree` use the cache of this repository, wherever its configuration puts it."""
    from dvc.repo import Repo

    with Repo(str(paths.root())) as repo:
        cache = str(repo.cache.local_cache_dir)
    run("dvc", "cache", "dir", "--local", cache, cwd=tree, environment=environment())


def run(module: str, *arguments: str, cwd: Path, environment: Mapping[str, str]) -> None:
    """`python -m module arguments` in `cwd`, its output shown. Raises `ValueError` when it fails."""
    answer = subprocess.run([sys.executable, "-m", module, *arguments], cwd=cwd, env=dict(environment), check=False)
    if answer.returncode != 0:
        raise ValueError(f"`{' '.join((module, *arguments))}` failed in {cwd}; its own message stands above")


def git(*arguments: str, cwd: Path) -> str:
    """What git prints. Raises `ValueError` with its words when it fails."""
    answer = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ValueError(f"git {' '.join(arguments)} failed in {cwd}: {answer.stderr.strip()}")
    return answer.stdout.strip()
