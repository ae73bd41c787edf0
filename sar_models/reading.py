"""Images from anyone, whose files do not say how they want to be shown: who has them says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models.images import decode, picture


@dataclass(frozen=True)
class Reading:
    """How stored values become a picture."""

    low: float | None = None  # stored value shown black; 8-bit images are shown as they are
    high: float | None = None  # stored value shown white
    bands: tuple[int, ...] = ()  # which stored bands, from 0; empty: all

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("give low and high together: the stored values that are shown black and white")
        if self.low is None or self.high is None:
            return
        if not (isfinite(self.low) and isfinite(self.high)):
            raise ValueError(f"low ({self.low:g}) and high ({self.high:g}) must be finite")
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")


def read(path: Path, reading: Reading) -> NDArray[np.uint8]:
    """The picture (H, W, 1 or 3) of an image file, as `shown` makes it.

    Raises `ValueError` for what is no regular file or cannot be decoded.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")  # reading a pipe would wait for ever
    return shown(decode(path.read_bytes()), reading)


def shown(stored: NDArray[Any], reading: Reading) -> NDArray[np.uint8]:
    """The picture (H, W, 1 or 3) of `stored` (H, W, C), as `sar_models.images.decode` gives it.

    8 bits are shown as stored. `low` and `high` say what is black and white of deeper samples; without them 16 bits are
    shown 0..65535. Raises `ValueError` for float samples without `low` and `high` (no file says what its values mean),
    and for more than three bands where none are named.
    """
    bands: Sequence[int] | None = list(reading.bands) or None
    if bands is None and stored.shape[2] > 3:
        raise ValueError(f"it has {stored.shape[2]} bands: name one to three of them (bands), from 0")
    if stored.dtype == np.uint8:
        return picture(stored, low=(0.0,), high=(255.0,), channels=bands)
    if reading.low is not None and reading.high is not None:
        return picture(stored, low=(reading.low,), high=(reading.high,), channels=bands)
    if stored.dtype == np.float32:
        finite = stored[np.isfinite(stored)]
        span = f" (its values span {finite.min():.4g} to {finite.max():.4g})" if finite.size else ""
        raise ValueError(
            f"it holds float samples{span}, and no file says which are black and white: give low and high in the "
            "unit of the file, such as low -25 and high 5 for dB, or low 0 and high 1.5 for amplitude"
        )
    return picture(stored, low=(0.0,), high=(float(np.iinfo(stored.dtype).max),), channels=bands)
