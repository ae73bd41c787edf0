"""Figures with equal bytes for equal content: no global state, fixed resolution, no software or date in the file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DPI = 110
# Okabe and Ito's palette for colour-blind readers, its orange darker to be read as text; a variant keeps its colour.
COLOURS = {"initial": "#999999", "optical": "#D98200", "sar": "#56A37A", "two_stage": "#0072B2"}
LABELS = {
    "initial": "initial (untrained)",
    "optical": "optical (stage 1 only)",
    "sar": "SAR alone",
    "two_stage": "two-stage (optical, then SAR)",
}
OTHERS = ("#CC79A7", "#D55E00", "#56B4E9", "#000000")  # of checkpoints of other people, in their order


def colour(variant: str, variants: Sequence[str]) -> str:
    """The colour of one of `variants`."""
    others = [name for name in variants if name not in COLOURS]
    return COLOURS[variant] if variant in COLOURS else OTHERS[others.index(variant) % len(OTHERS)]


@contextmanager
def figure(path: Path, *, width_in: float, height_in: float, arranged: bool = True) -> Iterator[Any]:
    """A matplotlib figure that is written to `path` as PNG at the end of the block.

    `arranged`: its parts are laid out without overlaps; otherwise they stay where they are put.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style = {
        "font.family": "DejaVu Sans", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": "#DDDDDD", "grid.linewidth": 0.8,
        "axes.titleweight": "bold", "axes.titlelocation": "left", "legend.frameon": False,
    }  # fmt: skip
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **style}):
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12) if arranged else None
        page = Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)
        canvas = FigureCanvasAgg(page)
        yield page
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.draw()
        # 256 colours are enough for lines, text and grey images, and a third of the bytes: plots are kept in git.
        drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
        drawn.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
