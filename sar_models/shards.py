"""Images out of tar shards by offset: one open file a shard, one read an image, no directory to walk."""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sar_models.images import decode, picture

OPEN_SHARDS = 128  # well below the usual limit of 1,024 open files a process


class ShardReader:
    """Reads images by their place: a row of `records.parquet`, or of any table that carries the same columns.

    A place has `source`, `shard`, `offset` and `length`; the bytes lie in `root/<source>/shards/<shard>`.
    Safe to share between threads and to send to worker processes: shards are opened anew there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: OrderedDict[tuple[str, str], BufferedReader] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, place: Mapping[str, Any]) -> bytes:
        """The stored bytes at `place`. Raises `ValueError` when the shard is missing or too short."""
        source, shard, length = place["source"], place["shard"], place["length"]
        with self._lock:  # so that no other thread closes the shard meanwhile
            data = os.pread(self._descriptor(source, shard), length, place["offset"])
        if len(data) != length:
            raise ValueError(
                f"{self._path(source, shard)} ends before byte {place['offset'] + length}: it is not the shard that "
                f"the records were written with; run `dvc checkout` or `dvc repro download@{source}`"
            )
        return data

    def picture(self, place: Mapping[str, Any]) -> npt.NDArray[np.uint8]:
        """The picture at `place`, (H, W, 1) or (H, W, 3), by the row's `low`, `high` and `channels`.

        Raises `ValueError` naming the record when it cannot be decoded, or its bytes are not those whose `sha256` the
        row tells.
        """
        try:
            data = self.read(place)
            if place.get("sha256") and hashlib.sha256(data).hexdigest() != place["sha256"]:
                raise ValueError(
                    f"the bytes in {place['shard']} are not those of the records: run `dvc checkout` or "
                    f"`dvc repro download@{place['source']}`"
                )
            return picture(decode(data), low=place["low"], high=place["high"], channels=place.get("channels"))
        except ValueError as error:
            raise ValueError(f"{place.get('record_id', place['shard'])}: {error}") from error

    def close(self) -> None:
        """Close all shards; a later read opens them again."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> "ShardReader":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]

    def _descriptor(self, source: str, shard: str) -> int:
        file = self._open.get((source, shard))
        if file is None:
            path = self._path(source, shard)
            if not path.is_file():
                raise ValueError(f"{path} does not exist: run `dvc checkout` or `dvc repro download@{source}`")
            if len(self._open) >= OPEN_SHARDS:
                self._open.popitem(last=False)[1].close()
            file = self._open[source, shard] = path.open("rb")
        self._open.move_to_end((source, shard))
        return file.fileno()

    def _path(self, source: str, shard: str) -> Path:
        return self.root / source / "shards" / shard
