"""Reading and decoding images from shards against loose files, in shuffled order as training reads them.

Ours: `ShardReader.picture`, which reads by offset, decodes and applies the declared radiometry.
Peer: Pillow on individual files, as `open_clip_train` and most loaders do, to a numpy array.
Both get the same bytes, by turns. `shards` has them in the page cache; `shards_cold` drops them from it
before each pass (posix_fadvise), so that the disk takes part.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sar_models.shards import ShardReader
from tasks.download import encode
from tasks.download.shards import ShardWriter

IMAGES, SIZE_PX, PASSES, BLOCK = 1000, 256, 9, 20


def run() -> list[dict[str, Any]]:
    """Two rows, in images a second on one core; `ratio` is the median over passes of ours / peer, above 1 is faster."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        places, files = _write(folder)
        stored = [*files, *(folder / "bench" / "shards").iterdir()]
        with ShardReader(folder) as reader:
            for place, file in zip(places, files, strict=True):
                assert np.array_equal(reader.picture(place)[..., 0], _open(file)), "both must read the same pixels"

            def measured(name: str, *, before: Callable[[], None]) -> dict[str, Any]:
                return _measure(name, ours=reader.picture, peer=_open, places=places, files=files, before=before)

            return [
                measured("shards", before=lambda: None),
                measured("shards_cold", before=lambda: _forget(stored)),
            ]


def _write(folder: Path) -> tuple[list[dict[str, Any]], list[Path]]:
    """Speckled images once as shards and once as files; places in the shards, and paths."""
    rng = np.random.default_rng(0)
    places, files = [], []
    (folder / "loose").mkdir()
    with ShardWriter(folder / "bench" / "shards", shard_bytes=16 * 2**20) as writer:
        for number in range(IMAGES):
            data, suffix = encode.image(rng.rayleigh(60.0, (SIZE_PX, SIZE_PX, 1)).clip(0, 255).astype(np.uint8))
            place = writer.add(f"bench/{number:06}{suffix}", data)
            places.append({"source": "bench", "shard": place.shard, "offset": place.offset, "length": place.length,
                           "low": [0.0], "high": [255.0], "channels": None})  # fmt: skip
            files.append(folder / "loose" / f"{number:06}{suffix}")
            files[-1].write_bytes(data)
    os.sync()
    return places, files


def _open(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def _measure(
    name: str,
    *,
    ours: Callable[[Any], Any],
    peer: Callable[[Any], Any],
    places: list[dict[str, Any]],
    files: list[Path],
    before: Callable[[], None],
) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(PASSES):
        before()
        spent = {"ours": 0.0, "peer": 0.0}
        blocks = [order.tolist() for order in np.split(rng.permutation(IMAGES), IMAGES // BLOCK)]
        for number, block in enumerate(blocks):  # by turns in short blocks: other work on the machine hits both alike
            both = [("ours", ours, [places[i] for i in block]), ("peer", peer, [files[i] for i in block])]
            for who, read, stored in both if number % 2 else both[::-1]:
                begin = time.perf_counter()
                for each in stored:
                    read(each)
                spent[who] += time.perf_counter() - begin
        for who in rates:
            rates[who].append(IMAGES / spent[who])
    ratios = [a / b for a, b in zip(rates["ours"], rates["peer"], strict=True)]
    return {
        "name": name,
        "ours": round(statistics.median(rates["ours"])),
        "peer": round(statistics.median(rates["peer"])),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "images/s",
        "n": PASSES,
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def _forget(stored: list[Path]) -> None:
    for path in stored:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
