"""The pipeline with another profile, in a git worktree of its own: the default run's outputs stay as they are.

The worktree lies in `.state/<profile>` at the current commit, with `profiles/<profile>.yaml` as its `params.yaml`.
DVC's cache and the servers are shared. Lock, metrics, plots and data cards come back to `runs/<profile>/`.
"""

import shutil
from pathlib import Path

from tasks import params, paths, worktree

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
    if changed := worktree.git("status", "--porcelain", "--untracked-files=no", cwd=main):
        print(f"note: the run is of the last commit; these changes are not in it:\n{changed}", flush=True)
    worktree.place(tree, commit=worktree.git("rev-parse", "HEAD", cwd=main))
    shutil.copyfile(known[profile], tree / "params.yaml")
    results = main / "runs" / profile
    for name in ("dvc.lock", "metrics", "plots"):  # what an earlier run made is not made again
        _copy(results / name, tree / name)
    environment = worktree.environment()
    worktree.share_cache(tree)
    if (tree / "dvc.lock").is_file():  # what the cache still has; else it would be evaluated again
        worktree.run("dvc", "checkout", "--quiet", "--force", "--allow-missing", cwd=tree, environment=environment)
    worktree.run("flows.repro", cwd=tree, environment=environment)
    worktree.run("flows.cli", "results", cwd=tree, environment=environment)
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
