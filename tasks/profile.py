"""The pipeline with another profile, in a git worktree of its own: the default run's outputs stay as they are.

The worktree lies in `.state/<profile>` at the current commit, with `profiles/<profile>.yaml` as its `params.yaml`.
DVC's cache and the servers are shared. Lock, metrics, plots and data cards come back to `runs/<profile>/`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tasks import params, paths

RESULTS = {  # in the worktree → in runs/<profile>
    "dvc.lock": "dvc.lock",
    "metrics": "metrics",
    "plots": "plots",
    "data/optical_text/README.md": "data_card_optical.md",
    "data/sar_text/README.md": "data_card_sar.md",
}


def run(profile: str) -> Path:
    """Run the whole pipeline with `profiles/<profile>.yaml`; returns the folder of results.

    Raises `ValueError` for an unknown profile or a mistake in it, or when a step fails.
    """
    main = paths.root()
    known = {path.stem: path for path in sorted((main / "profiles").glob("*.yaml"))}
    if profile not in known:  # also a path: the worktree would lie wherever it leads
        raise ValueError(f"no profile '{profile}'; known: {', '.join(known)}")
    params.load(known[profile])  # a mistake is named where it was made, not in the copy
    tree = paths.state() / profile
    _worktree(main, tree)
    shutil.copyfile(known[profile], tree / "params.yaml")
    results = main / "runs" / profile
    for name in ("dvc.lock", "metrics", "plots"):  # what an earlier run made is not made again
        _copy(results / name, tree / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # `python` in dvc.yaml is this one
    environment = {**os.environ, "SAR_TEXT_STATE": str(paths.state()), "PATH": path}
    environment.pop("DVC_ROOT", None)
    if mirror := environment.get("SAR_TEXT_MIRROR"):
        environment["SAR_TEXT_MIRROR"] = str(Path(mirror).resolve())  # the steps run in another folder
    _run("dvc", "cache", "dir", "--local", _cache(main), cwd=tree, environment=environment)
    if (tree / "dvc.lock").is_file():  # what the cache still has; else it would be evaluated again
        _run("dvc", "checkout", "--quiet", "--force", "--allow-missing", cwd=tree, environment=environment)
    _run("flows.repro", cwd=tree, environment=environment)
    _run("flows.cli", "results", cwd=tree, environment=environment)
    for name, kept in RESULTS.items():
        _copy(tree / name, results / kept)
    return results


def _copy(source: Path, target: Path) -> None:
    """Make `target` what `source` is: a file, a folder, or not there."""
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copyfile(source, target)


def _worktree(main: Path, tree: Path) -> None:
    """A worktree at the commit of `main`; made, or brought forward."""
    changed = _git("status", "--porcelain", "--untracked-files=no", cwd=main)
    if changed:
        print(f"note: the run is of the last commit; these changes are not in it:\n{changed}", flush=True)
    head = _git("rev-parse", "HEAD", cwd=main)
    if (tree / ".git").exists():
        _git("worktree", "repair", str(tree), cwd=main)  # the repository may have been moved since
        _git("checkout", "--force", "--detach", head, cwd=tree)
    else:
        _git("worktree", "prune", cwd=main)
        _git("worktree", "add", "--force", "--detach", str(tree), head, cwd=main)


def _cache(main: Path) -> str:
    """The folder of DVC's cache, wherever the configuration puts it."""
    from dvc.repo import Repo

    with Repo(str(main)) as repo:
        return str(repo.cache.local_cache_dir)


def _git(*arguments: str, cwd: Path) -> str:
    answer = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise ValueError(f"git {' '.join(arguments)} failed in {cwd}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def _run(module: str, *arguments: str, cwd: Path, environment: dict[str, str]) -> None:
    answer = subprocess.run([sys.executable, "-m", module, *arguments], cwd=cwd, env=environment, check=False)
    if answer.returncode != 0:
        raise ValueError(f"`{' '.join((module, *arguments))}` failed in {cwd}; its own message stands above")
