"""Exact retrieval metrics against what others measure them with, both ways, in processor seconds of two threads.

`retrieval_open_clip_N`: open_clip's `get_clip_metrics`, which holds the matrix of scores and sorts every row of it, up
to the size that fits here. `retrieval_faiss_N`: FAISS's exact search for the ten best, which gives recalls but no
median rank, with `faiss-cpu` in an environment of its own. `peak_gib` and `peer_peak_gib` are each process's memory.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import DIMENSION, THREADS, alone, metrics, peak_gib, tables, timed

WHOLE_MATRIX = (5_000, 10_000, 20_000)  # at 20,000 the scores and their order take 11 GiB
FAISS = (20_000, 136_584)


def run() -> list[dict[str, Any]]:
    """One row a size and peer; each is measured in a process of its own."""
    ours = {images: alone(_ours, images) for images in sorted({*WHOLE_MATRIX, *FAISS})}
    rows = [_row("open_clip", images, ours[images], alone(_open_clip, images)) for images in WHOLE_MATRIX]
    return rows + _faiss_rows(ours)


def _row(peer: str, images: int, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"retrieval_{peer}_{images}", "images": images, "ours": ours["cpu_s"], "peer": theirs["cpu_s"],
        "ratio": round(ours["cpu_s"] / theirs["cpu_s"], 4), "unit": "s", "n": 1, "spread": None,
        "wall_s": ours["wall_s"], "peer_wall_s": theirs["wall_s"], "peak_gib": ours["peak_gib"],
        "peer_peak_gib": theirs["peak_gib"],
    }  # fmt: skip


def _ours(count: int) -> dict[str, Any]:
    images, texts = tables(count)
    captions = [f"caption {row}" for row in range(count)]
    cpu, wall = timed(lambda: metrics(images, texts, np.arange(count), captions))
    return {"cpu_s": round(cpu, 1), "wall_s": round(wall, 1), "peak_gib": peak_gib()}


def _open_clip(count: int) -> dict[str, Any]:
    import torch
    from open_clip_train.train import get_clip_metrics

    torch.set_num_threads(THREADS)
    images, texts = (torch.nn.functional.normalize(torch.from_numpy(table)) for table in tables(count))
    cpu, wall = timed(lambda: get_clip_metrics(images, texts, torch.tensor(1.0)))
    return {"cpu_s": round(cpu, 1), "wall_s": round(wall, 1), "peak_gib": peak_gib()}


def _faiss_rows(ours: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    uv = shutil.which("uv")
    if uv is None:
        print("no uv, so no environment for FAISS")
        return []
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder, "--allow-existing"], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "faiss-cpu", "numpy"], check=True)
        script = Path(__file__).with_name("faiss_peer.py")
        for images in FAISS:
            command = [python, str(script), str(images), str(DIMENSION), str(THREADS)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows.append(_row("faiss", images, ours[images], json.loads(said)))
    return rows
