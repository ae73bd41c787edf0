"""Exact retrieval metrics against the bare product that they are made of.

`retrieval_N`: N images × N captions of dimension 512. Ours is `retrieval.ranks` with all its statistics, from
embeddings to R@k, median rank and ties; the peer only multiplies the same blocks and throws the scores away, half of it
before ours and half after. Both are processor seconds of two threads, so that they hold on a busy machine; `wall_s` and
`peer_wall_s` are by the clock. `peak_gib` is the memory of the process, embeddings and all.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from sar_models.metrics import retrieval

PASSES = {20_000: 3, 136_584: 1}
DIMENSION, BLOCK, THREADS = 512, 768, 2


def run() -> list[dict[str, Any]]:
    """One row a size, each measured in a process of its own, for its peak memory."""
    return [alone(_measure, images) for images in PASSES]


def alone(measure: Callable[[int], dict[str, Any]], images: int) -> dict[str, Any]:
    """What `measure` returns in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(measure, (images,))


def tables(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images, and texts that are near theirs, so that recalls are neither 0 nor 100 %."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((count, DIMENSION), dtype=np.float32)
    texts = generator.standard_normal((count, DIMENSION), dtype=np.float32)
    texts *= 4
    texts += images
    return images, texts


def _measure(count: int) -> dict[str, Any]:
    images, texts = tables(count)
    captions, owner = [f"caption {row}" for row in range(count)], np.arange(count)
    stripes = list(range(0, count, BLOCK))
    half = len(stripes) // 2
    cpu: list[tuple[float, float]] = []
    wall: list[tuple[float, float]] = []
    for _ in range(PASSES[count]):
        before = timed(lambda: _product(images, texts, stripes[:half]))
        ours = timed(lambda: metrics(images, texts, owner, captions))
        after = timed(lambda: _product(images, texts, stripes[half:]))
        cpu.append((ours[0], before[0] + after[0]))
        wall.append((ours[1], before[1] + after[1]))
    ratios = sorted(ours / peer for ours, peer in cpu)
    return {
        "name": f"retrieval_{count}",
        "images": count,
        "ours": round(statistics.median(ours for ours, _ in cpu), 2),
        "peer": round(statistics.median(peer for _, peer in cpu), 2),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "s",
        "n": len(cpu),
        "spread": [round(ratios[0], 3), round(ratios[-1], 3)] if len(cpu) > 1 else None,
        "wall_s": round(statistics.median(ours for ours, _ in wall), 2),
        "peer_wall_s": round(statistics.median(peer for _, peer in wall), 2),
        "peak_gib": peak_gib(),
    }


def metrics(images: np.ndarray, texts: np.ndarray, owner: np.ndarray, captions: list[str]) -> None:
    """All of `retrieval.statistics`."""
    found = retrieval.ranks(images, texts, image_of_text=owner, captions=captions, block=BLOCK, threads=THREADS)
    for each in retrieval.statistics(found).values():
        each.value(each.items.sum(axis=0))


def _product(images: np.ndarray, texts: np.ndarray, stripes: list[int]) -> None:
    from threadpoolctl import threadpool_limits

    def work(first: int) -> None:
        tile = np.empty((BLOCK, BLOCK), dtype=np.float32)
        for i in stripes[first::THREADS]:
            rows = images[i : i + BLOCK]
            for j in range(0, len(texts), BLOCK):
                columns = texts[j : j + BLOCK]
                np.matmul(rows, columns.T, out=tile[: len(rows), : len(columns)])

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of all processors, and by the clock."""
    processors, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processors, time.perf_counter() - clock


def peak_gib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
