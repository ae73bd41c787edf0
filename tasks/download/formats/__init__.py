"""One annotation format a file. A reader walks a fetched folder and yields `Item`s, lazily and in sorted order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tasks.download.catalog import Source


@dataclass(frozen=True)
class Box:
    """An object. `x`, `y` top left in px; with `angle_deg` (clockwise, modulo 180), of the unrotated rectangle."""

    name: str  # our class
    x: float
    y: float
    w: float
    h: float
    angle_deg: float | None = None
    heading_deg: float | None = None  # reported by AIS, clockwise from north
    length_m: float | None = None  # stated by the source, not measured in the image
    width_m: float | None = None


@dataclass(frozen=True)
class Question:
    """A question of the source with its answer, both word for word."""

    text: str
    answer: str
    family: str  # ours


@dataclass(frozen=True)
class Item:
    """One image with its annotation as the source gives it. `None` means: this source does not say."""

    path: str  # of the image, POSIX, relative to the fetched folder
    modality: Literal["sar", "optical"]
    boxes: tuple[Box, ...] | None = None
    mask: Callable[[], npt.NDArray[np.uint8]] | None = None  # (H, W): 0 unlabelled, k the k-th of `mask_classes`
    label: str | None = None
    captions: tuple[str, ...] | None = None
    questions: tuple[Question, ...] | None = None
    split: Literal["train", "val", "test"] | None = None
    pair_id: str | None = None
    polarization: str | None = None  # where it differs between the images of a source
    group: str | None = None  # where only the annotation knows it; else catalog's Grouping decides
    pixel_spacing_m: float | None = None  # likewise


Reader = Callable[[Path, "Source"], Iterator[Item]]


def mask_classes(source: "Source") -> list[str]:
    """Our class names of a mask source in the order of their mask values 1, 2, …: sorted, each once."""
    return sorted(set(source.classes.values()))
