"""What git keeps: revisions, the lock of each, and any file as it was."""

import hashlib
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LOCK = "dvc.lock"
_FIELDS = "%H%x1f%ct%x1f%an%x1f%s"


@dataclass(frozen=True)
class Revision:
    """A commit."""

    commit: str
    time_s: int  # of the commit, since 1970 UTC
    author: str
    subject: str


class History:
    """The repository at `root`, as far back as it was cloned.

    Raises `ValueError` where `root` is in no git repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git("rev-parse", "HEAD")
        self._prefix = self._git("rev-parse", "--show-prefix").strip()
        self._digests: dict[str, str] = {}

    @cached_property
    def revisions(self) -> list[Revision]:
        """Of every branch and tag, the oldest first; of equals, parents before children."""
        lines = self._git("log", "--all", "HEAD", "--reverse", "--topo-order", f"--format={_FIELDS}").splitlines()
        parts = [line.split("\x1f", 3) for line in lines]
        return [Revision(commit, int(time), author, subject) for commit, time, author, subject in parts]

    @cached_property
    def current(self) -> dict[str, str]:
        """Name → commit of `HEAD` and of every branch, here and on the remotes."""
        lines = self._git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads", "refs/remotes")
        named = dict(line.rsplit(" ", 1) for line in lines.splitlines())
        return {"HEAD": self._git("rev-parse", "HEAD").strip(), **named}

    @cached_property
    def worktrees(self) -> dict[Path, str]:
        """Root of this project in every worktree of the repository → the commit that is checked out there."""
        blocks = self._git("worktree", "list", "--porcelain").strip().split("\n\n")
        told = [dict(line.partition(" ")[::2] for line in block.splitlines()) for block in blocks]
        return {Path(each["worktree"]) / self._prefix: each["HEAD"] for each in told if "HEAD" in each}

    @cached_property
    def is_shallow(self) -> bool:
        return self._git("rev-parse", "--is-shallow-repository").strip() == "true"

    @cached_property
    def locks(self) -> dict[str, str]:
        """Commit → blob of its `dvc.lock`, of the commits that have one; the oldest first."""
        commits = [revision.commit for revision in self.revisions]
        found = self._blobs([f"{commit}:{self._prefix}{LOCK}" for commit in commits])
        return {commit: blob for commit, blob in zip(commits, found, strict=True) if blob is not None}

    def texts(self, blobs: Sequence[str]) -> dict[str, bytes]:
        """Blob → its bytes, all by one process."""
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        answer = self._run(["cat-file", "--batch"], asked)
        texts, place = {}, 0
        for blob in blobs:
            end = answer.index(b"\n", place)
            size_bytes = int(answer[place:end].split()[2])
            texts[blob] = answer[end + 1 : end + 1 + size_bytes]
            place = end + 1 + size_bytes + 1
        return texts

    def file(self, path: str, *, commit: str) -> bytes | None:
        """`path` as it was at `commit`; nothing where it was not."""
        (blob,) = self._blobs([f"{commit}:{self._prefix}{path}"])
        return None if blob is None else self.texts([blob])[blob]

    def md5_at(self, paths: Sequence[str], *, commit: str) -> dict[str, str | None]:
        """Path → MD5 of the file as it was at `commit`; nothing where it was not."""
        blobs = self._blobs([f"{commit}:{self._prefix}{path}" for path in paths])
        self._hash([blob for blob in blobs if blob is not None])
        return {path: blob and self._digests[blob] for path, blob in zip(paths, blobs, strict=True)}

    def commit_with(self, path: str, md5: str) -> str | None:
        """The newest commit that left `path` with these contents; nothing where none did."""
        raw = self._git("log", "--all", "--format=%x1e%H", "--raw", "--no-abbrev", "--no-renames",
                        "--diff-merges=separate", "--", path)  # fmt: skip
        for entry in raw.split("\x1e")[1:]:
            commit, *changes = entry.split()
            blobs = [changes[at + 3] for at in range(0, len(changes) - 5, 6) if set(changes[at + 3]) != {"0"}]
            self._hash(blobs)
            if md5 in (self._digests[blob] for blob in blobs):
                return commit
        return None

    def folder(self, path: str, *, commit: str) -> list[str]:
        """Files below `path` at `commit`."""
        return self._git("ls-tree", "-r", "--name-only", commit, "--", path).splitlines()

    def _hash(self, blobs: Sequence[str]) -> None:
        new = [blob for blob in dict.fromkeys(blobs) if blob not in self._digests]
        for blob, data in self.texts(new).items() if new else ():
            self._digests[blob] = hashlib.md5(data).hexdigest()

    def _blobs(self, names: Sequence[str]) -> list[str | None]:
        asked = "".join(f"{name}\n" for name in names).encode()
        lines = self._run(["cat-file", "--batch-check"], asked).decode().splitlines()
        return [None if line.endswith(" missing") else line.split()[0] for line in lines]

    def _git(self, *arguments: str) -> str:
        return self._run(list(arguments), b"").decode("utf-8", "replace")

    def _run(self, arguments: Sequence[str], asked: bytes) -> bytes:
        """What git says; question and complaints are files, for one pipe alone is read several times faster."""
        with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as complaints:
            question.write(asked)
            question.seek(0)
            done = subprocess.run(
                ["git", *arguments], cwd=self.root, stdin=question, stdout=subprocess.PIPE, stderr=complaints,
                check=False,
            )  # fmt: skip
            if done.returncode:
                complaints.seek(0)
                told = complaints.read().decode(errors="replace").strip()
                raise ValueError(f"git {arguments[0]} in {self.root}: {told}")
            return done.stdout
