"""Simulating SAR-optical pairs with their annotation, against the plainest NumPy that draws only speckle.

Ours: whole `pairs` scenes of 256×256 px (scene, SAR with 4 looks, optical twin, mask, boxes, three PNG files) by
`write_source`, with all cores and the start of its workers. Peer: a one-process script that for each scene draws four
looks of homogeneous speckle in double precision, convolves each with a Taylor-weighted response through `numpy.fft`,
and saves that image and one colour image by Pillow's defaults: it draws no scene, no texture and no objects.
"""

import io
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from tasks.download import catalog
from tasks.download.simulate.impulse import taylor
from tasks.download.simulate.write import write_source

SCENES, PEER_SCENES, ROUNDS = 600, 60, 3


def run() -> dict[str, object]:
    """Scenes a second, the median of rounds in which both take turns; `spread` is (max − min) / median of ours."""
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(SCENES / _seconds_of_ours())
        peer.append(PEER_SCENES / _seconds_of_peer())
    return {"name": "simulate pairs 256x256", "ours": round(median(ours), 1), "peer": round(median(peer), 1),
            "ratio": round(median(ours) / median(peer), 2), "unit": "scenes/s", "n": SCENES * ROUNDS,
            "spread": round((max(ours) - min(ours)) / median(ours), 3)}  # fmt: skip


def _seconds_of_ours() -> float:
    source = catalog.load("sim_pairs")
    assert source.simulate is not None
    name, source = source.name, replace(source, simulate=replace(source.simulate, scenes=SCENES))
    object.__setattr__(source, "name", name)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        write_source(source, Path(folder))
        return time.perf_counter() - start


def _seconds_of_peer() -> float:
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    line = np.zeros(256)
    line[26:231] = taylor(205, n_bar=5, side_lobe_db=32.0)
    transfer = np.fft.ifftshift(np.outer(line, line))
    for _ in range(PEER_SCENES):
        looks = []
        for _ in range(4):
            field = rng.standard_normal((256, 256)) + 1j * rng.standard_normal((256, 256))
            looks.append(np.abs(np.fft.ifft2(np.fft.fft2(field) * transfer)) ** 2)
        amplitude = np.sqrt(np.mean(looks, axis=0))
        grey = np.clip(amplitude * 60, 0, 255).astype(np.uint8)
        colour = np.stack([grey // 2 + shade for shade in (40, 90, 120)], axis=-1)
        for picture in (grey, colour):
            Image.fromarray(picture).save(io.BytesIO(), "PNG")
    return time.perf_counter() - start


if __name__ == "__main__":
    print(run())
