"""The DVC cache: objects by digest, folders as listings, tables as columns."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


class Cache:
    """Objects of the repository at `root`, in the cache that DVC's settings name."""

    def __init__(self, root: Path, *, folder: Path | None = None) -> None:
        self.root = root
        self._given = folder
        self.damaged: list[str] = []  # listings that were asked for and cannot be read
        self._listings: dict[str, dict[str, str] | None] = {}
        self._joined: dict[tuple[tuple[str, str], ...], str | None] = {}

    @cached_property
    def folder(self) -> Path:
        return (self._given or _cache_of(self.root)) / "files" / "md5"

    def path(self, digest: str) -> Path:
        """Where the object lies, or would."""
        return self.folder / digest[:2] / digest[2:]

    def listing(self, digest: str) -> dict[str, str] | None:
        """Path below a folder → MD5; nothing where the cache has no such object, or a damaged one: see `damaged`."""
        if digest not in self._listings:
            self._listings[digest] = self._read_listing(digest)
        return self._listings[digest]

    def _read_listing(self, digest: str) -> dict[str, str] | None:
        path = self.path(digest)
        if not path.is_file():
            return None
        try:
            return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_bytes())}
        except (ValueError, TypeError, KeyError) as error:
            self.damaged.append(f"cache: {path} is no listing of a folder ({error}): delete it, then `dvc pull`")
            return None

    def joined(self, outputs: Mapping[str, str], *, below: str) -> str | None:
        """The digest that DVC gives the folder `below` when exactly `outputs` lie in it; nothing where a listing
        is not in the cache."""
        key = tuple(sorted((path.removeprefix(f"{below}/"), digest) for path, digest in outputs.items()))
        if key not in self._joined:
            self._joined[key] = self._join(key)
        return self._joined[key]

    def _join(self, outputs: Iterable[tuple[str, str]]) -> str | None:
        files: dict[str, str] = {}
        for path, digest in outputs:
            if not digest.endswith(".dir"):
                files[path] = digest
                continue
            listing = self.listing(digest)
            if listing is None:
                return None
            files |= {f"{path}/{name}": md5 for name, md5 in listing.items()}
        return tree_digest(files)

    def table(self, md5: str, *, columns: Sequence[str], filters: Any = None) -> pa.Table:
        """Columns of a table, of nested ones also a single leaf; `filters` leave rows out.

        Raises `ValueError` where the object is missing or damaged.
        """
        path = self.path(md5)
        try:
            if filters is not None:
                return pq.read_table(path, columns=list(columns), filters=filters)
            with pq.ParquetFile(path) as file:
                return file.read(columns=list(columns))
        except (OSError, pa.ArrowInvalid) as error:
            raise ValueError(
                f"object {md5} of the DVC cache cannot be read ({error}): `dvc pull` fetches it"
            ) from error


def tree_digest(files: Mapping[str, str]) -> str:
    """DVC's digest of a folder: MD5 over its listing as JSON, sorted by path (`dvc_data.hashfile.tree`)."""
    listing = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + ".dir"


@cache
def _cache_of(root: Path) -> Path:
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"DVC does not say where its cache is: {done.stderr.strip()}")
    return Path(done.stdout.strip())
