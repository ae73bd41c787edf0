"""Clutter: gamma texture, circular complex Gaussian speckle, the impulse response, the average over looks.

Texture times speckle is K-distributed (E. Jakeman, P. N. Pusey, "A model for non-Rayleigh sea echo", 1976). The
texture is a Gaussian field bent to a gamma marginal, the memoryless transform of R. J. A. Tough, K. D. Ward,
"The correlation properties of gamma and other non-Gaussian processes", 1999.
"""

import functools
import math

import numpy as np
import numpy.typing as npt
from scipy import fft, special

Floats = npt.NDArray[np.float32]
STEPS, REACH = 1024, 4.0  # of the table that bends a Gaussian value to a gamma value


@functools.lru_cache(maxsize=64)
def _shaping(size: int, length_px: float, wavelength_px: float, direction: int) -> Floats:
    """Filter for a Gaussian field: a low-pass of `length_px`, or waves of `wavelength_px` along direction · 22.5°."""
    fx, fy = fft.rfftfreq(size)[None, :], fft.fftfreq(size)[:, None]
    if wavelength_px:
        turn = math.radians(22.5 * direction)
        crest = fx * math.cos(turn) + fy * math.sin(turn)
        front = -fx * math.sin(turn) + fy * math.cos(turn)
        spread = 0.35 / wavelength_px
        gain = np.exp(-(((np.abs(crest) - 1 / wavelength_px) / spread) ** 2) - (front / (1.2 * spread)) ** 2)
        gain = gain + 0.25 * np.exp(-((fx**2 + fy**2) * (math.pi * length_px) ** 2))
    else:
        gain = np.exp(-((fx**2 + fy**2) * (math.pi * length_px) ** 2))
    gain[0, 0] = 0.0
    twice = np.full(gain.shape[1], 2.0)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return np.round(gain / math.sqrt(float((gain**2 * twice).sum()) / size**2), 6).astype(np.float32)


def correlated(rng: np.random.Generator, size: int, *, length_px: float, wavelength_px: float = 0.0,
               direction: int = 0) -> Floats:  # fmt: skip
    """Gaussian field (size, size), mean 0, deviation 1, correlated over `length_px`, or with waves."""
    spectrum = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    spectrum *= _shaping(size, length_px, wavelength_px, direction % 8)
    field: Floats = fft.irfft2(spectrum, s=(size, size), overwrite_x=True)
    return field


@functools.lru_cache(maxsize=64)
def gamma_table(shape: float) -> Floats:
    """Gamma values of mean 1 and order `shape` for Gaussian values from −REACH to REACH in STEPS steps."""
    gauss = (np.arange(STEPS) + 0.5) * (2 * REACH / STEPS) - REACH
    values = special.gammaincinv(shape, special.ndtr(gauss)) / shape
    weights = np.exp(-(gauss**2) / 2)
    table: Floats = np.round(values / ((values * weights).sum() / weights.sum()), 6).astype(np.float32)
    return table


def gamma_steps(gauss: Floats) -> npt.NDArray[np.intp]:
    """Places of Gaussian values in a gamma table."""
    scaled = (gauss + np.float32(REACH)) * np.float32(STEPS / (2 * REACH))
    steps: npt.NDArray[np.intp] = np.clip(scaled, 0, STEPS - 1).astype(np.intp)
    return steps


def multilook(rng: np.random.Generator, sigma: Floats, transfer: Floats, *, looks: int,
              points: npt.NDArray[np.complex64] | None = None) -> Floats:  # fmt: skip
    """Detected intensity (N, N), the mean of `looks` independent looks.

    Args:
        sigma: backscatter of each px as it is drawn, noise floor included, linear (J. W. Goodman, "Speckle Phenomena
            in Optics", 2007: fully developed speckle is circular complex Gaussian).
        transfer: of the impulse response, which clutter, noise and points all pass through.
        points: complex amplitudes of point scatterers, the same in each look.

    Raises:
        ValueError: `looks` is below 1.
    """
    if looks < 1:
        raise ValueError(f"looks is {looks}; give at least 1")
    size = sigma.shape[0]
    # Repeated for real and imaginary part, for broadcasting over so short an axis costs ten times the product.
    root, gain = (np.repeat(plane[..., None], 2, axis=2) for plane in (np.sqrt(sigma * np.float32(0.5)), transfer))
    power = np.zeros((size, size), np.float32)
    for _ in range(looks):  # look by look: one fits the processor's cache, all together do not
        draws = rng.standard_normal((size, size, 2), dtype=np.float32)
        draws *= root
        field: npt.NDArray[np.complex64] = draws.view(np.complex64)[..., 0]
        if points is not None:
            field += points
        # Real products only: a complex product may be fused on some processors and change the last bit.
        spectrum = fft.fft2(field, overwrite_x=True)
        parts = spectrum.view(np.float32).reshape(size, size, 2)
        parts *= gain
        image = fft.ifft2(spectrum, overwrite_x=True).view(np.float32).reshape(size, size, 2)
        image *= image
        power += image[..., 0]
        power += image[..., 1]
    return np.asarray(power / np.float32(looks))
