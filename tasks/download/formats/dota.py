"""DOTA text: one file an image, a line an object: four corners, class, and whether it is difficult.

Format: Xia et al., "DOTA: A Large-scale Dataset for Object Detection in Aerial Images", CVPR 2018: `x1 y1 x2 y2 x3 y3
x4 y4 class difficult`, in px; header lines `imagesource:` and `gsd:` are passed over. Corners become the rectangle of
least area around them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.clip import Point
from tasks.download.formats import Box, Item, by_stem
from tasks.download.formats.boxes import Outside, class_of, inside
from tasks.download.formats.by_stem import Folder
from tasks.download.formats.files import Files, Unannotated, size_px

_HEADERS = ("imagesource:", "gsd:")


@dataclass(frozen=True)
class Options:
    """`reader` of a DOTA source. Objects marked difficult are objects and are kept."""

    folders: tuple[Folder, ...] = (Folder("images", "labelTxt"),)
    outside: Outside = "refuse"
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their rotated boxes, sorted by path.

    A box that crosses the edge becomes the upright rectangle around what is inside (see tasks/download/clip.py).
    Raises `ValueError` naming file and line for what is no DOTA text and for an unknown class, and for an image or
    annotation without its other half.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    matched = by_stem.match(files, options.folders, sets={}, suffix=".txt")
    for path in files.settle(matched.annotations, matched.splits, unannotated=options.unannotated):
        text = matched.annotations.get(path)
        boxes = () if text is None else _boxes(files, text, path, source, options.outside)
        yield Item(path, source.modality, boxes=boxes, split=matched.splits[path])


def least_rectangle(name: str, corners: Sequence[Point]) -> Box:
    """The rectangle of least area around `corners` (px): `w` along its long side, `angle_deg` of that side, 0 to 180.

    One side of it lies along an edge of the convex hull (Freeman and Shapira, Communications of the ACM 18, 1975);
    of so few points all lines through two of them are tried.
    """
    best: tuple[float, Box] | None = None
    for (x0, y0), (x1, y1) in combinations(corners, 2):
        if (x0, y0) == (x1, y1):
            continue
        turn = math.atan2(y1 - y0, x1 - x0)
        cosine, sine = math.cos(turn), math.sin(turn)
        along = [x * cosine + y * sine for x, y in corners]
        across = [y * cosine - x * sine for x, y in corners]
        w, h = max(along) - min(along), max(across) - min(across)
        if best is None or w * h < best[0] - 1e-9:  # of equal ones the first, whatever the rounding
            u, v = (max(along) + min(along)) / 2, (max(across) + min(across)) / 2
            center_x, center_y = u * cosine - v * sine, u * sine + v * cosine
            if w < h:
                w, h, turn = h, w, turn + math.pi / 2
            angle_deg = round(math.degrees(turn), 9) % 180.0
            best = w * h, Box(name, center_x - w / 2, center_y - h / 2, w, h, angle_deg)
    return best[1] if best is not None else Box(name, *corners[0], 0.0, 0.0, 0.0)


def _boxes(files: Files, text: str, path: str, source: Source, outside: Outside) -> tuple[Box, ...]:
    size = size_px(files.local(path))
    boxes = []
    for number, line in enumerate(files.text(text).split("\n"), start=1):
        if not line.strip() or line.strip().lower().startswith(_HEADERS):
            continue
        where = f"{source.name}: {text} line {number}"
        name, corners = _parse(line, where=where)
        ours = class_of(source, name, where=where)
        if not ours:
            continue
        box: Box | None = least_rectangle(ours, corners)
        if size is not None and box is not None:  # without a size decoding reports the image
            box = inside(box, *size, outside=outside, where=where)
        if box is not None:
            boxes.append(box)
    return tuple(boxes)


def _parse(line: str, *, where: str) -> tuple[str, list[Point]]:
    parts = line.split()
    try:
        numbers = [float(part) for part in parts[:8]]
        if len(parts) not in (9, 10):
            raise ValueError
    except ValueError as error:
        raise ValueError(
            f"{where} is not DOTA text: expected x and y of four corners, the class and 0 or 1, got {line.strip()!r}"
        ) from error
    return parts[8], list(zip(numbers[0::2], numbers[1::2], strict=True))
