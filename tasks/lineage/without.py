"""A commit of what was withdrawn, for a retrain to start from: `HEAD` with the withdrawal files that lie here, their
digests in the descriptions, and withdrawn sources out of the settings.

It stands under `refs/sar-text/withdrawn`: no branch, nothing checked out, the index as it was.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from tasks import paths, worktree
from tasks.download import digests
from tasks.download.withdrawn import path_of
from tasks.lineage import withdrawn

REF = "refs/sar-text/withdrawn"
_WHO = ("-c", "user.name=sar-text withdraw", "-c", "user.email=withdraw@localhost", "-c", "commit.gpgsign=false")


def commit() -> str:
    """Make it anew of every withdrawal that lies here; gives the commit. Raises `ValueError` as git does."""
    files: dict[str, str] = {}
    settings = _at_head("params.yaml")
    for stated in withdrawn.load_all():
        path = path_of(stated.source)
        files[f"sources/withdrawn/{stated.source}.yaml"] = path.read_text(encoding="utf-8")
        if described := _at_head(f"sources/{stated.source}.yaml"):
            sha256 = digests.of_file(path).sha256
            files[f"sources/{stated.source}.yaml"] = withdrawn.pinned(described, sha256=sha256)
        if stated.whole:
            settings = withdrawn.left_out(settings, source=stated.source)
    if settings:
        files["params.yaml"] = settings
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git("read-tree", "HEAD", more=index)
        prefix = _git("rev-parse", "--show-prefix")
        for path_in_git, text in files.items():
            blob = _git("hash-object", "-w", "--stdin", text=text)
            _git("update-index", "--add", "--cacheinfo", f"100644,{blob},{prefix}{path_in_git}", more=index)
        tree = _git("write-tree", more=index)
    names = ", ".join(sorted({stated.source for stated in withdrawn.load_all()}))
    made = _git(*_WHO, "commit-tree", tree, "-p", "HEAD", "-m", f"Withdrawn, of {names}")
    _git("update-ref", REF, made)
    return made


def _at_head(path: str) -> str:
    """The file as committed; empty where there is none."""
    listed = worktree.git("ls-tree", "--name-only", "HEAD", "--", path, cwd=paths.root())
    return worktree.git("show", f"HEAD:./{path}", cwd=paths.root()) + "\n" if listed else ""


def _git(*arguments: str, text: str = "", more: dict[str, str] | None = None) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=paths.root(), env={**os.environ, **(more or {})}, input=text, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if answer.returncode != 0:
        raise ValueError(f"git {arguments[0]} failed in {paths.root()}: {answer.stderr.strip()}")
    return answer.stdout.strip()
