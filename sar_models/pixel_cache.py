"""Pictures decoded and resized once, then read at the speed of memory: uint8 planes in one memory-mapped file.

Epochs, models with the same input side and later runs share the file. It may be larger than the memory: the system
keeps the pages that are used and drops the others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, overload

import numpy as np
import PIL
from numpy.typing import NDArray

from sar_models import images, pixels, tiff
from sar_models.built_once import built_once
from sar_models.progress import training_progress

PLANES, CHANNELS = "planes.u8", "channels.u8"
TOGETHER = 64  # pictures of each thread between two writes, so that few are in memory
KEY = ("sha256", "channels", "low", "high")  # of a place: which bytes, and how they become a picture


class PixelCache(Sequence[NDArray[np.uint8]]):
    """Pictures (1 or 3, S, S) as planes (P, S, S) one behind the other; views of them, nothing is copied."""

    def __init__(self, planes: NDArray[np.uint8], channels: NDArray[np.uint8]) -> None:
        ends = np.cumsum(channels, dtype=np.int64).tolist()
        self._planes, self._slices = planes, list(zip([0, *ends[:-1]], ends, strict=True))

    def __len__(self) -> int:
        return len(self._slices)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[np.uint8]]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        first, end = self._slices[index]
        return self._planes[first:end]


def cached(
    places: Sequence[Mapping[str, Any]],
    pictures: Sequence[NDArray[np.uint8]],
    *,
    size_px: int,
    threads: int,
    folder: Path,
) -> PixelCache:
    """The pictures (1 or 3, size_px, size_px) at `places`, out of a file below `folder`, which is written if need be.

    `pictures` opens and resizes the picture of each place when asked for it, in several threads. The file's name is the
    digest of the bytes of all images (`sha256` of each place), of how they are shown, and of the code that decodes and
    resizes: what would give other pixels has another name. Raises `ValueError` when a place does not tell its `sha256`.
    """

    if not places:
        return PixelCache(np.empty((0, size_px, size_px), np.uint8), np.empty(0, np.uint8))

    def build(partial: Path) -> None:
        channels: list[int] = []
        parts = [
            range(len(pictures))[at : at + TOGETHER * threads] for at in range(0, len(pictures), TOGETHER * threads)
        ]
        label = f"decoding {len(pictures)} pictures for the cache"
        with (
            ThreadPoolExecutor(threads) as pool,
            training_progress(label, steps=len(parts), done=0, shown=True) as progress,
            (partial / PLANES).open("wb") as file,
        ):
            for part in parts:
                for picture in pool.map(pictures.__getitem__, part):
                    file.write(picture.data)
                    channels.append(len(picture))
                progress.step(images=len(part))
        (partial / CHANNELS).write_bytes(bytes(channels))

    whole = built_once(folder / _digest(places, size_px=size_px), build=build)
    channels = np.frombuffer((whole / CHANNELS).read_bytes(), dtype=np.uint8)
    planes = np.memmap(whole / PLANES, dtype=np.uint8, mode="r", shape=(int(channels.sum()), size_px, size_px))
    return PixelCache(np.asarray(planes), channels)


def _digest(places: Iterable[Mapping[str, Any]], *, size_px: int) -> str:
    digest = hashlib.sha256(json.dumps([size_px, _code()]).encode())
    for place in places:
        if not place.get("sha256"):
            raise ValueError(
                f"{place['record_id']} does not tell the sha256 of its image: run `dvc repro` for the stage that wrote "
                "the table, or set hardware.pixel_cache to false"
            )
        digest.update(json.dumps([place.get(key) for key in KEY]).encode())
    return digest.hexdigest()[:32]


@cache
def _code() -> list[str]:
    """What decodes and resizes."""
    own = [Path(str(module.__file__)) for module in (images, pixels, tiff)]
    return [PIL.__version__, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in own)]
