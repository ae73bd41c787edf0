"""The impulse response of the simulated radar: a Taylor-weighted band in range and in azimuth."""

import functools
import math

import numpy as np
import numpy.typing as npt


def taylor(taps: int, *, n_bar: int, side_lobe_db: float) -> npt.NDArray[np.float64]:
    """Taylor weights (taps,), mean 1: `n_bar` − 1 side lobes each side lie about `side_lobe_db` below the peak.

    T. T. Taylor, "Design of line-source antennas for narrow beamwidth and low side lobes", 1955; as SAR weighting:
    Carrara, Goodman, Majewski, "Spotlight Synthetic Aperture Radar", 1995. Our own lines because
    the import of scipy.signal takes longer than the simulation of a hundred scenes; a test compares the two.
    """
    a = math.acosh(10 ** (side_lobe_db / 20)) / math.pi
    stretch = n_bar**2 / (a**2 + (n_bar - 0.5) ** 2)
    place = (np.arange(taps) - (taps - 1) / 2) / taps
    weights = np.ones(taps)
    for m in range(1, n_bar):
        above = math.prod(1 - m**2 / (stretch * (a**2 + (n - 0.5) ** 2)) for n in range(1, n_bar))
        below = math.prod(1 - m**2 / n**2 for n in range(1, n_bar) if n != m)
        weights += 2 * (-1) ** (m + 1) * above / (2 * below) * np.cos(2 * math.pi * m * place)
    return np.round(weights, 9)


@functools.lru_cache(maxsize=8)
def transfer(size: int, *, bandwidth: float, n_bar: int, side_lobe_db: float) -> npt.NDArray[np.float32]:
    """Transfer function (size, size) in FFT order; its impulse response has unit energy, so clutter keeps its mean.

    Args:
        size: side of the image, px.
        bandwidth: used share of the sampled band, 0..1; 1 / bandwidth is the oversampling.
        n_bar, side_lobe_db: of the Taylor weights.

    Raises:
        ValueError: `bandwidth` is not above 0 and at most 1.
    """
    if not 0 < bandwidth <= 1:
        raise ValueError(f"bandwidth is {bandwidth}; give a share of the sampled band above 0, at most 1")
    half = min(int(bandwidth * size / 2), (size - 1) // 2)
    window = taylor(2 * half + 1, n_bar=n_bar, side_lobe_db=side_lobe_db)
    line = np.zeros(size)
    line[: half + 1] = window[half:]
    line[size - half :] = window[:half]
    line /= np.sqrt(np.mean(line**2))
    return np.outer(line, line).astype(np.float32)
