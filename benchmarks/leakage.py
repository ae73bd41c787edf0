"""Leak matching: the landmarks of a whole collection against each other, images of train against those of test.

Ours, `leakage_N`: `matching.candidates` over N images, from their landmarks to the pairs that registration looks at.
Peer: every landmark of one split against every one of the other by Hamming distance, which is what OpenCV's
brute-force matcher does, here in numpy; timed on `QUERIES` landmarks and multiplied up to all. It finds the same and
more. Both are processor seconds of all threads, so that they hold on a busy machine; `wall_s` is by the clock.
`peak_gib` is the memory of the process that matches, `rate` landmark extraction in images/s/core, by side in px.

Landmarks are those of simulated images, drawn anew: bits from a pool of real ones with a tenth flipped, places random.
One image in `PLANTED` is a crop of one that stands in test.
"""

import multiprocessing
import resource
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.download.features import features
from tasks.download.landmarks import LANDMARK, STEPS, landmarks
from tasks.download.simulate import radar
from tasks.download.simulate.scene import scene
from tasks.validate import hashing, matching

SIZES, POOL, LANDMARKS, SIZE_PX, PLANTED, TEST = (1_000, 10_000, 136_584), 120, 130, 512, 100, 0.2
QUERIES = 64
KEPT, SCALED, FLIPPED = 0.5, 0.7, 0.08  # of a planted image: landmarks that stay, its size, bits that change


def run() -> list[dict[str, Any]]:
    """Extraction, then one row a size; each size is matched in a process of its own, for its peak memory."""
    pictures = [_picture(number, size_px=256) for number in range(POOL)]
    pool = np.concatenate([np.frombuffer(features(each)["landmarks"], dtype=LANDMARK) for each in pictures])
    rate = {size: _rate(size) for size in (256, 512, 800)}
    rows = []
    context = multiprocessing.get_context("spawn")
    for images in SIZES:
        with context.Pool(1) as process:
            rows.append(process.apply(_measure, (images, pool)) | {"rate": rate})
    return rows


def _picture(number: int, *, size_px: int) -> npt.NDArray[np.uint8]:
    place = scene(number, world="pairs", seed=3, size_px=size_px)
    return np.asarray(radar.render(place, looks=4, bit_depth=8), dtype=np.uint8)[..., np.newaxis]


def _rate(size_px: int) -> int:
    grey = 3 * _picture(0, size_px=size_px)[..., 0].astype(np.int32)
    start = time.process_time()
    for _ in range(20):
        landmarks(grey)
    return round(20 / (time.process_time() - start))


def _measure(images: int, pool: npt.NDArray[np.void]) -> dict[str, Any]:
    collection, planted = _collection(images, pool)
    clock, start = time.perf_counter(), time.process_time()
    found = matching.candidates(collection)
    ours, wall = time.process_time() - start, time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    hits = planted & {(candidate.copy, candidate.other) for candidate in found}
    bits = np.ascontiguousarray(collection.landmarks["bits"]).view(np.uint64)
    rank = np.repeat(collection.ranks, np.diff(collection.first))
    upper, lower = bits[rank == 2], bits[rank == 0]
    start = time.process_time()
    for query in upper[:QUERIES]:
        (np.bitwise_count(lower ^ query).sum(axis=1, dtype=np.uint8) <= hashing.MAX_BITS).any()
    peer = (time.process_time() - start) * len(upper) / QUERIES
    return {
        "name": f"leakage_{images}", "ours": round(ours, 2), "peer": round(peer, 1), "ratio": round(ours / peer, 5),
        "unit": "s", "n": 1, "spread": None, "images": images, "landmarks": len(collection.landmarks),
        "ms_an_image": round(1000 * ours / images, 3), "peak_gib": round(peak, 2),
        "wall_s": round(wall, 1), "recall": round(len(hits) / len(planted), 3), "candidates": len(found),
    }  # fmt: skip


def _collection(images: int, pool: npt.NDArray[np.void]) -> tuple[matching.Collection, set[tuple[int, int]]]:
    """`images` images of `LANDMARKS` each, and the planted (copy, other)."""
    rng = np.random.default_rng(0)
    drawn = pool[rng.integers(0, len(pool), images * LANDMARKS)]
    drawn["bits"] ^= _noise(rng, len(drawn), share=0.1)
    for axis in ("x", "y"):
        drawn[axis] = rng.integers(0, 16 * SIZE_PX, len(drawn))
    ranks = np.where(rng.random(images) < TEST, 2, 0).astype(np.int8)
    number = max(images // PLANTED, 1)
    others = rng.choice(np.flatnonzero(ranks == 2), number, replace=False)
    copies = rng.choice(np.flatnonzero(ranks == 0), number, replace=False)
    by_image = drawn.reshape(images, LANDMARKS)
    for copy, other in zip(copies, others, strict=True):
        kept = rng.permutation(LANDMARKS)[: int(KEPT * LANDMARKS)]
        part = by_image[other, kept]
        part["bits"] ^= _noise(rng, len(part), share=FLIPPED)
        part["x"], part["y"] = part["y"] * SCALED, part["x"] * SCALED  # mirrored along the diagonal
        part["turn"] = [_mirrored(turn) for turn in part["turn"].tolist()]
        part["scale"] = np.maximum(part["scale"].astype(int) + round(STEPS * np.log2(SCALED)), 0)
        by_image[copy, : len(part)] = part
    first = np.arange(images + 1) * LANDMARKS
    return matching.Collection(drawn, first, ranks), set(zip(copies.tolist(), others.tolist(), strict=True))


def _mirrored(turn: int) -> int:
    """The turn of a landmark after x and y of its image are exchanged."""
    flips = (turn & 1) << 1 | (turn & 2) >> 1
    return flips | (~turn & 4)


def _noise(rng: np.random.Generator, rows: int, *, share: float) -> npt.NDArray[np.uint8]:
    masks = np.packbits(rng.random((10_007, 128)) < share, axis=1)
    return masks[rng.integers(0, len(masks), rows)]
