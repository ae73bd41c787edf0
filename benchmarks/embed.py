"""Embeddings of test images out of the pixel cache against the bare forward pass over batches that are ready.

Ours: `embed_resized`, as evaluate embeds its test images: read from the memory-mapped cache, put together by a thread,
normalised, embedded, brought to length 1. Peer: the same network over float batches that lie in memory already.
open_clip's ViT-B-32 with random weights at 224 px, 96 grey images, on one thread, pass by pass in turn.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sar_models import model, pixel_cache, pixels
from sar_models.embed import embed_resized
from sar_models.hardware import computing
from sar_models.settings import Hardware

ARCHITECTURE, IMAGES, BATCH, PASSES = "ViT-B-32", 96, 32, 5
HARDWARE = Hardware(threads=1)


def run() -> dict[str, Any]:
    """In images a second; `ratio` is the median over passes of ours / peer."""
    of = model.initial("clip", architecture=ARCHITECTURE, seed=0)
    drawn = np.random.default_rng(0).integers(0, 256, (IMAGES, 1, of.image_size_px, of.image_size_px), dtype=np.uint8)
    places = [{"record_id": str(n), "sha256": str(n), "low": [0.0], "high": [255.0]} for n in range(IMAGES)]
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as folder:
        cached = pixel_cache.cached(
            places, list(drawn), size_px=of.image_size_px, threads=1, folder=Path(folder)
        )  # fmt: skip
        ready = [
            pixels.normalise(torch.from_numpy(drawn[start : start + BATCH]), mean=of.mean, std=of.std)
            for start in range(0, IMAGES, BATCH)
        ]
        embed_resized(of, cached[:BATCH], hardware=HARDWARE, batch_size=BATCH)  # to warm up
        for _ in range(PASSES):
            begin = time.perf_counter()
            rows = embed_resized(of, cached, hardware=HARDWARE, batch_size=BATCH)
            between = time.perf_counter()
            with computing(HARDWARE), torch.inference_mode():
                bare = torch.cat([of.module.encode_image(batch) for batch in ready])
            end = time.perf_counter()
            expected = torch.nn.functional.normalize(bare, dim=-1).numpy()
            np.testing.assert_allclose(rows, expected, atol=1e-6)
            rates["ours"].append(IMAGES / (between - begin))
            rates["peer"].append(IMAGES / (end - between))
    ratios = [ours / peer for ours, peer in zip(rates["ours"], rates["peer"], strict=True)]
    return {
        "name": "embed_images",
        "ours": round(statistics.median(rates["ours"]), 1),
        "peer": round(statistics.median(rates["peer"]), 1),
        "ratio": round(statistics.median(ratios), 3),
        "unit": "images/s",
        "n": PASSES,
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }
