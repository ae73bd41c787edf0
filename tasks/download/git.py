"""`git+https://` addresses through the git command: partial clone, sparse checkout, exactly one commit.

The commit is the proof: git derives it from every tree and every file below it (SHA-1 with collision detection), and
each file's blob id is compared with the commit's tree once more after the checkout.
"""

import difflib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tasks.download import names
from tasks.download.address import Address
from tasks.download.errors import FetchError
from tasks.download.progress import Bar
from tasks.download.transfer import Transfer, Transient, with_retries

_BATCH = 500  # blobs a request: what an interrupted fetch loses at most
_LFS = b"version https://git-lfs.github.com/spec/"
_RAW = "* -text -eol -crlf -ident -filter -working-tree-encoding\n"  # attributes must not change a byte
_NETWORK = (
    "could not resolve host", "unable to access", "failed to connect", "connection", "timed out", "early eof",
    "hung up", "rpc failed", "tls", "ssl", "returned error: 5", "returned error: 429",
)  # fmt: skip
_REFUSED = (
    "authentication failed", "could not read username", "repository not found", "returned error: 40",
    "does not appear to be a git repository", "does not exist", "not found",
)  # fmt: skip
_UNKNOWN = ("not our ref", "no such remote ref", "unadvertised object", "couldn't find remote ref", "bad object")
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE")
_SIZES = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Repository:
    """A partial clone in `folder` of the repository at `address`, kept there between attempts."""

    def __init__(self, address: Address, folder: Path, *, transfer: Transfer) -> None:
        git = shutil.which("git")
        if git is None:
            raise FetchError(
                "the command `git` is missing: install git (2.29 or newer), or put a copy below SAR_TEXT_MIRROR"
            )
        self._git, self._address, self._folder, self._transfer = git, address, folder, transfer

    def checkout(self, *, paths: Sequence[str], bar: Bar) -> tuple[Path, list[str]]:
        """Fetch the commit and check out `paths` below the subdir, or all of it where `paths` is empty.

        Returns the folder that holds them and their names relative to it. Raises `FetchError` for an unknown commit, a
        missing subdir or path, links, submodules, Git LFS pointers, and a repository that cannot be reached.
        """
        self._clone()
        wanted = self._select(self._tree(), paths)
        self._fetch_blobs(sorted(set(wanted.values())), bar=bar)
        prefix = f"{self._address.subdir}/" if self._address.subdir else ""
        patterns = [f"/{_escape(prefix + path)}" for path in paths] or [f"/{_escape(prefix)}" if prefix else "/*"]
        self._run("sparse-checkout", "set", "--no-cone", "--stdin", given="".join(f"{line}\n" for line in patterns))
        self._run("checkout", "--quiet", "--detach", "--force", self._address.commit)
        folder = self._folder / self._address.subdir
        for path, blob in wanted.items():
            self._check(folder / path, path, blob)
        return folder, sorted(wanted)

    def _clone(self) -> None:
        if not (self._folder / ".git" / "HEAD").is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._run("init", "--quiet", "--template=")
        for key, value in {
            "remote.origin.url": self._address.url,
            "remote.origin.promisor": "true",
            "remote.origin.partialclonefilter": "blob:none",
            "core.autocrlf": "false",
            "core.symlinks": "true",
            "http.lowSpeedLimit": "1000",  # bytes a second, below which a connection is given up …
            "http.lowSpeedTime": str(round(self._transfer.timeout_s)),  # … after so many seconds
        }.items():
            self._run("config", key, value)
        (self._folder / ".git" / "info").mkdir(exist_ok=True)
        (self._folder / ".git" / "info" / "attributes").write_text(_RAW, encoding="utf-8")
        if self._address.commit not in self._present():
            self._fetch("--depth=1", "origin", self._address.commit)

    def _tree(self) -> dict[str, tuple[str, str]]:
        """Path below the subdir → mode and id of all that the commit holds there."""
        subdir, commit = self._address.subdir, self._address.commit
        listing = self._run("ls-tree", "-r", "-z", "--full-tree", commit, *([f"{subdir}/"] if subdir else []))
        found: dict[str, tuple[str, str]] = {}
        for line in filter(None, listing.split("\0")):
            mode, _, blob, path = re.split(r"[ \t]", line, maxsplit=3)
            found[path[len(subdir) + 1 :] if subdir else path] = (mode, blob)
        if not found:
            every = self._run("ls-tree", "-r", "-d", "-z", "--name-only", "--full-tree", commit).split("\0")
            near = difflib.get_close_matches(subdir, filter(None, every), n=1, cutoff=0.0)
            hint = f"; did you mean '#{near[0]}'?" if near else ""
            raise FetchError(f"commit {commit} of {self._address.url} has no folder '{subdir}': correct #subdir{hint}")
        return found

    def _select(self, tree: dict[str, tuple[str, str]], paths: Sequence[str]) -> dict[str, str]:
        where = f"{self._address.url} at {self._address.commit}"
        missing = sorted(set(paths) - tree.keys())
        if missing:
            raise FetchError(
                f"{where} holds no {missing[0]!r} below '#{self._address.subdir}' ({len(missing)} of {len(paths)} "
                "listed files are missing there): correct `files`, `files_list` or #subdir"
            )
        selected = {path: tree[path] for path in paths or sorted(tree)}
        for path, (mode, _) in selected.items():
            if mode in ("120000", "160000"):
                kind = "a link" if mode == "120000" else "a submodule"
                raise FetchError(
                    f"{where}: refused {path!r}: it is {kind}. List the files you want in `files_list` without it"
                )
        names.check_all(selected, where=where)
        return {path: blob for path, (_, blob) in selected.items()}

    def _fetch_blobs(self, blobs: Sequence[str], *, bar: Bar) -> None:
        """In batches and by name, so that progress is seen and an interrupted fetch goes on where it stopped."""
        present = self._present()
        missing = [blob for blob in blobs if blob not in present]
        bar.expect(len(missing))
        for start in range(0, len(missing), _BATCH):
            batch = "".join(f"{blob}\n" for blob in missing[start : start + _BATCH])
            self._fetch("--stdin", "origin", given=batch, bar=bar)

    def _check(self, file: Path, path: str, blob: str) -> None:
        content = file.read_bytes()
        if hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() != blob:
            raise FetchError(
                f"{path!r} differs from commit {self._address.commit} after the checkout: run the command again"
            )
        if content.startswith(_LFS):
            raise FetchError(
                f"{path!r} is a Git LFS pointer, not the file itself, which lies on an LFS server. Fetch it by its "
                "https:// address with a sha256, or put a copy below SAR_TEXT_MIRROR"
            )

    def _present(self) -> set[str]:
        """Ids of all objects that are here; asking for one by name would fetch it."""
        return set(self._run("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())

    def _fetch(self, *arguments: str, given: str = "", bar: Bar | None = None) -> None:
        options = ("--progress", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none")
        config = ("-c", "fetch.negotiationAlgorithm=noop", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
        once = partial(self._run, *config, "fetch", *options, *arguments, given=given, bar=bar)
        with_retries(once, transfer=self._transfer)

    def _run(self, *arguments: str, given: str = "", bar: Bar | None = None) -> str:
        """Run git in the clone and return what it prints. With `bar`, its progress is read while it runs."""
        environment = {
            **{name: value for name, value in os.environ.items() if name not in _ELSEWHERE},
            "LC_ALL": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        command = [self._git, "-c", "core.quotePath=false", "-c", f"core.hooksPath={os.devnull}", *arguments]
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out:
            stdin.write(given.encode())
            stdin.seek(0)
            pipe = subprocess.PIPE
            with subprocess.Popen(
                command, cwd=self._folder, env=environment, stdin=stdin, stdout=out, stderr=pipe
            ) as process:
                assert process.stderr is not None
                said = _listen(process.stderr.fileno(), bar)
            out.seek(0)
            output = out.read().decode("utf-8", "surrogateescape")
        if process.returncode:
            raise self._failure(said)
        return output

    def _failure(self, said: str) -> Exception:
        text, url = said.lower(), self._address.url
        short = (
            "; ".join(line.strip() for line in said.splitlines() if line.startswith(("fatal:", "error:")))
            or said.strip()
        )
        if any(hint in text for hint in _UNKNOWN):
            return FetchError(
                f"{url} has no commit {self._address.commit}: correct the commit in `address`, or put a copy below "
                "SAR_TEXT_MIRROR if its history was rewritten"
            )
        if any(hint in text for hint in _REFUSED):
            return FetchError(
                f"{url} does not exist or needs a login ({short}): correct `address`, or let git know your credentials "
                "(`git credential`)"
            )
        if any(hint in text for hint in _NETWORK):
            return Transient(f"cannot reach {url}: {short}")
        return FetchError(f"git failed on {url}: {short}. Try `git ls-remote {url}`")


def _listen(stream: int, bar: Bar | None) -> str:
    """Read git's messages to their end; tell `bar` the objects and bytes received. Returns them without progress."""
    said, rest, objects, size = "", "", 0, 0.0
    while chunk := os.read(stream, 1 << 16):
        *lines, rest = re.split(r"[\r\n]", rest + chunk.decode("utf-8", "replace"))
        for line in lines:
            counted = re.search(r"Receiving objects: +\d+% \((\d+)/\d+\)(?:, ([\d.]+) (bytes|KiB|MiB|GiB))?", line)
            if counted is None:
                said += f"{line}\n" if line else ""
            elif bar is not None:
                now = float(counted[2]) * _SIZES[counted[3]] if counted[2] else size
                bar.moved(round(now - size))
                bar.finished(int(counted[1]) - objects)
                objects, size = int(counted[1]), now
    return said + rest


def _escape(path: str) -> str:
    """`path` as a pattern of gitignore's language that means only itself."""
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", path)
    return re.sub(r" (?= *$)", r"\\ ", pattern)
