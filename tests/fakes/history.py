"""A repository with a history, made without running anything: commits, locks as DVC writes them, and a DVC cache."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.lineage.cache import tree_digest

Run = tuple[dict[str, str], dict[str, str]]  # what a stage read and wrote, path → digest


class MadeHistory:
    """Commits are kept until `finish` writes them all at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / ".dvc" / "cache"
        self._stream: list[bytes] = []
        self._commits = 0
        self._is_written = False  # what was committed so far, so that the next commit must name its parent
        root.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        (root / ".git" / "info" / "exclude").write_text(".dvc/cache\n")

    def put(self, data: bytes) -> str:
        """Bytes into the cache; gives the digest."""
        return self._put(data, hashlib.md5(data).hexdigest())

    def put_table(self, rows: list[dict[str, Any]] | pa.Table, *, schema: pa.Schema | None = None) -> str:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, schema=schema)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=50_000)
        return self.put(sink.getvalue().to_pybytes())

    def put_folder(self, files: dict[str, str]) -> str:
        """A listing of files that are in the cache."""
        listing = [{"md5": files[path], "relpath": path} for path in sorted(files)]
        return self._put(json.dumps(listing).encode(), tree_digest(files))

    def joined(self, outputs: dict[str, str], *, below: str) -> str:
        """The digest of a folder of outputs, such as `data/sources/sar`."""
        files = {}
        for path, digest in outputs.items():
            if path.startswith(f"{below}/"):
                listing = json.loads(self._path(digest).read_bytes())
                inner = path.removeprefix(f"{below}/")
                files |= {f"{inner}/{entry['relpath']}": entry["md5"] for entry in listing}
        return tree_digest(files)

    def commit(self, files: dict[str, bytes], *, subject: str = "work") -> None:
        self._commits += 1
        time_s = 1_700_000_000 + 3600 * self._commits
        who = f"A Person <person@example.org> {time_s} +0000".encode()
        parent = b"from refs/heads/main^0\n" if self._is_written else b""
        self._is_written = False
        self._stream += [b"commit refs/heads/main\ncommitter ", who, b"\n"]
        self._stream += [b"data %d\n%s\n" % (len(subject.encode()), subject.encode()), parent]
        for path, data in files.items():
            self._stream += [b"M 100644 inline %s\ndata %d\n" % (path.encode(), len(data)), data, b"\n"]

    def finish(self) -> None:
        subprocess.run(
            ["git", "fast-import", "--quiet", "--date-format=raw"],
            cwd=self.root,
            input=b"".join(self._stream),
            check=True,
        )
        self._stream, self._is_written = [], True
        self._git("reset", "--quiet", "--hard", "main")

    def _put(self, data: bytes, digest: str) -> str:
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return digest

    def _path(self, digest: str) -> Path:
        return self.cache / "files" / "md5" / digest[:2] / digest[2:]

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)


def lock(runs: dict[str, Run]) -> bytes:
    """The text of a `dvc.lock`."""
    lines = ["schema: '2.0'", "stages:"]
    for stage, (read, wrote) in runs.items():
        lines += [f"  {stage}:", f"    cmd: python -m flows.{stage.replace('@', ' ')}"]
        for title, paths in (("deps", read), ("outs", wrote)):
            if paths:
                lines.append(f"    {title}:")
            for path, digest in paths.items():
                lines += [f"    - path: {path}", "      hash: md5", f"      md5: {digest}", "      size: 1"]
    return ("\n".join(lines) + "\n").encode()
