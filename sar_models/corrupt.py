"""A radar picture as a worse sensor would give it: more speckle, noise, another gain, a coarser grid.

All work on the amplitudes that a picture shows; a picture of decibels is turned into amplitudes and back.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Kind = Literal["speckle_looks", "noise_db", "gain_db", "resolution"]


def corrupted(
    picture: NDArray[np.uint8], kind: Kind, level: float, *, range_db: float, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Picture (H, W, C), corrupted; `resolution` gives fewer pixels. All channels of a pixel share its speckle.

    speckle_looks  multiplied by fully developed speckle of `level` looks: the square root of a gamma variable of mean 1
                   (Goodman, Some fundamental properties of speckle, 1976)
    noise_db       plus complex Gaussian noise, whose power is `level` dB above the picture's mean power
    gain_db        `level` dB brighter
    resolution     means over `level` × `level` pixels

    `range_db`: decibels between black and white of a picture of decibels, 0 of one of amplitudes. What such a picture
    cuts off below stays black, except under noise.
    """
    if kind == "resolution":
        return _coarser(picture, round(level))
    amplitude = _amplitude(picture, range_db)
    if kind == "noise_db":
        power = np.mean(amplitude**2, axis=(0, 1)) * 10 ** (level / 10)
        noise = generator.normal(size=(2, *picture.shape)) * np.sqrt(power / 2)
        return _shown(np.hypot(amplitude + noise[0], noise[1]), range_db)
    factor = np.asarray(10 ** (level / 20))
    if kind == "speckle_looks":
        factor = np.sqrt(generator.gamma(level, 1 / level, size=(*picture.shape[:2], 1)))
    return np.where(picture == 0, np.uint8(0), _shown(amplitude * factor, range_db))


def _coarser(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    size = tuple(max(1, side // factor) for side in (picture.shape[1], picture.shape[0]))
    bands = [
        np.asarray(Image.fromarray(picture[:, :, band]).resize(size, Image.Resampling.BOX))
        for band in range(picture.shape[2])
    ]
    return np.stack(bands, axis=-1)


def _amplitude(picture: NDArray[np.uint8], range_db: float) -> NDArray[np.float64]:
    values = picture.astype(np.float64)
    return 10 ** (values / 255 * range_db / 20) if range_db else values


def _shown(amplitude: NDArray[np.float64], range_db: float) -> NDArray[np.uint8]:
    values = 20 * np.log10(np.maximum(amplitude, 1e-12)) * 255 / range_db if range_db else amplitude
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
