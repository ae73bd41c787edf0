"""A page of SAR test images, each with its true caption and what two variants say of it."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from tasks.evaluate.figure import COLOURS, LABELS, figure
from tasks.evaluate.plots import simulated
from tasks.evaluate.predict import Pictures
from tasks.evaluate.test_sets import TestPool
from tasks.params import Evaluate

SHOWN = ("two_stage", "optical")
COLUMNS = 2
CELL_IN = (7.0, 2.75)  # width, height
WRAP = 54  # characters a line beside an image
LINES = 4  # of one caption; more is cut with an ellipsis


def write(
    path: Path, pool: TestPool, pictures: Pictures, captions: Mapping[str, Sequence[str]], *, settings: Evaluate
) -> None:
    """Write the page; `captions` are variant → one caption an image of the pool."""
    chosen = choose(pool, settings.sample_images, seed=settings.seed)
    if not chosen:
        return
    rows = -(-len(chosen) // COLUMNS)
    width_in, height_in = CELL_IN[0] * COLUMNS, CELL_IN[1] * rows + 0.7
    with figure(path, width_in=width_in, height_in=height_in, arranged=False) as page:
        page.text(0.25 / width_in, 1 - 0.2 / height_in, "SAR test images with true and generated captions (CoCa)",
                  va="top", fontsize=14, fontweight="bold")  # fmt: skip
        for number, image in enumerate(chosen):
            place, true = pool.images[image], pool.captions[image]
            left = (number % COLUMNS) * CELL_IN[0] + 0.25
            bottom = height_in - 0.6 - (number // COLUMNS + 1) * CELL_IN[1] + 0.12
            side = CELL_IN[1] - 0.3
            axes = page.add_axes((left / width_in, bottom / height_in, side / width_in, side / height_in), anchor="NW")
            axes.imshow(pictures.full(image).squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
            axes.set_axis_off()
            x, y = (left + side + 0.15) / width_in, (bottom + side) / height_in
            origin = place["record_id"] + (
                " (simulated)" if simulated(f"{pool.modalities[image]}/{place['source']}") else ""
            )
            page.text(x, y, _printable(origin), va="top", fontsize=7.5, color="#555555", parse_math=False)
            y -= 0.2 / height_in
            count = f" (1 of {len(true)})" if len(true) > 1 else ""
            said = [(f"true{count}", "#111111", true[0])]
            said += [(LABELS[variant], COLOURS[variant], captions[variant][image]) for variant in SHOWN]
            for label, colour, text in said:
                lines = textwrap.wrap(_printable(text), WRAP, max_lines=LINES, placeholder=" …") or ["(nothing)"]
                page.text(x, y, label, va="top", fontsize=8.5, fontweight="bold", color=colour)
                page.text(x, y - 0.17 / height_in, "\n".join(lines), va="top", fontsize=9, linespacing=1.2,
                          parse_math=False)  # fmt: skip
                y -= (0.27 + 0.15 * len(lines)) / height_in


def _printable(text: str) -> str:
    """What the figure's font cannot show, as untrained models write it, becomes a replacement character."""
    return "".join(sign if sign.isprintable() and ord(sign) < 0x250 else "\ufffd" for sign in text)


def choose(pool: TestPool, count: int, *, seed: int) -> list[int]:
    """`count` SAR images of the pool, the sources in turn, drawn by `seed`."""
    by_source: dict[str, list[int]] = {}
    for number, (place, modality) in enumerate(zip(pool.images, pool.modalities, strict=True)):
        if modality == "sar":
            by_source.setdefault(place["source"], []).append(number)
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(by_source[source]).tolist() for source in sorted(by_source)]
    turns = [image for turn in zip_longest(*drawn) for image in turn if image is not None]
    return sorted(turns[:count])
