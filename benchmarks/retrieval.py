"""Exact retrieval metrics against the bare product that they are made of, and against two that others use.

`retrieval_N`: N images × N captions of dimension 512. Ours is `retrieval.ranks` with all its statistics, from embeddings
to R@k, median rank and ties; the peer only multiplies the same blocks and throws the scores away, half of it before
ours and half after. Both are processor seconds of two threads, so that they hold on a busy machine; `wall_s` and
`peer_wall_s` are by the clock. `peak_gib` is the memory of the process, embeddings and all. `open_clip` is that package's
`get_clip_metrics`, which holds and sorts the matrix of scores, up to the size that fits; `faiss` its exact search for
the ten best both ways, which gives recalls and no median rank, with `faiss-cpu` in an environment of its own.
"""

import json
import multiprocessing
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from sar_models.metrics import retrieval

PASSES = {20_000: 5, 136_584: 1}
DIMENSION, BLOCK, THREADS = 512, 1024, 2
WHOLE_MATRIX = (5_000, 10_000, 20_000)  # at 20,000 the scores and their order take 11 GiB


def run() -> list[dict[str, Any]]:
    """One row a size, each measured in a process of its own, for its peak memory."""
    rows = [_alone(_measure, images) for images in PASSES]
    rows[0]["open_clip"] = {images: _alone(_open_clip, images) for images in WHOLE_MATRIX}
    for row in rows:
        row["faiss"] = _faiss(row["images"])
    return rows


def _alone(measure: Callable[[int], dict[str, Any]], images: int) -> dict[str, Any]:
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(measure, (images,))


def _tables(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images, and texts that are near theirs, so that recalls are neither 0 nor 100 %."""
    generator = np.random.default_rng(0)
    images = generator.standard_normal((count, DIMENSION), dtype=np.float32)
    texts = generator.standard_normal((count, DIMENSION), dtype=np.float32)
    texts *= 4
    texts += images
    return images, texts


def _measure(count: int) -> dict[str, Any]:
    images, texts = _tables(count)
    captions, owner = [f"caption {row}" for row in range(count)], np.arange(count)
    stripes = list(range(0, count, BLOCK))
    half = len(stripes) // 2
    cpu: list[tuple[float, float]] = []
    wall: list[tuple[float, float]] = []
    for _ in range(PASSES[count]):
        before = _timed(lambda: _product(images, texts, stripes[:half]))
        ours = _timed(lambda: _metrics(images, texts, owner, captions))
        after = _timed(lambda: _product(images, texts, stripes[half:]))
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
        "peak_gib": _peak_gib(),
    }


def _metrics(images: np.ndarray, texts: np.ndarray, owner: np.ndarray, captions: list[str]) -> None:
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


def _open_clip(count: int) -> dict[str, Any]:
    import torch
    from open_clip_train.train import get_clip_metrics

    torch.set_num_threads(THREADS)
    images, texts = (torch.nn.functional.normalize(torch.from_numpy(table)) for table in _tables(count))
    cpu, wall = _timed(lambda: get_clip_metrics(images, texts, torch.tensor(1.0)))
    return {"cpu_s": round(cpu, 1), "wall_s": round(wall, 1), "peak_gib": _peak_gib()}


def _faiss(count: int) -> dict[str, Any] | None:
    uv = shutil.which("uv")
    if uv is None:
        print("no uv, so no environment for FAISS")
        return None
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder, "--allow-existing"], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "faiss-cpu", "numpy"], check=True)
        script = Path(__file__).with_name("faiss_peer.py")
        command = [python, str(script), str(count), str(DIMENSION), str(THREADS)]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of all processors, and by the clock."""
    processors, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processors, time.perf_counter() - clock


def _peak_gib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
