"""What git keeps is found wherever it was written."""

import hashlib
import subprocess
from pathlib import Path

from tasks.lineage.history import History


def test_a_file_that_a_merge_itself_wrote_is_found(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    (tmp_path / "a").write_text("one")
    git("add", "a")
    git("commit", "-m", "one")
    git("checkout", "-b", "side")
    git("commit", "--allow-empty", "-m", "side")
    git("checkout", "main")
    git("merge", "--no-ff", "--no-commit", "side")
    (tmp_path / "a").write_text("merged")
    git("add", "a")
    git("commit", "-m", "merge")
    history = History(tmp_path)
    assert history.commit_with("a", hashlib.md5(b"merged").hexdigest()) == history.current["HEAD"]
