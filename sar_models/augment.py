"""SAR augmentation: another speckle, another gain, flips and quarter turns, on the device and by the batch.

What is done to a picture is a function of the seed, the epoch and its record, whatever the device, the batch and the
number of processes. A picture is turned only as its caption allows: the data set knows what the caption says then.
There are no crops: a crop cuts off what a caption counts, and moves what it places.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaincinv

from sar_models.symmetry import LEFT_RIGHT, SYMMETRIES, TRANSPOSED, UP_DOWN

LOOKS = (0, 32, 16, 8, 4)  # of the speckle laid over, drawn evenly; 0: none
GAIN_DB = 2.0  # at most, either way
LEVELS = 4096  # of the speckle's distribution
IN_CACHE = 2**17  # pixels at a time


@dataclass(frozen=True)
class Draws:
    """What is done to each of N pictures."""

    symmetry: NDArray[np.int64]
    gain_db: NDArray[np.float32]
    looks: NDArray[np.int64]  # row in LOOKS
    key: NDArray[np.int32]  # of the speckle
    range_db: NDArray[np.float32]  # between black and white of a picture of decibels; 0: of amplitudes


@dataclass(frozen=True)
class Allowed:
    """What may be done to the picture of each caption, and what the caption says then."""

    turned: NDArray[np.int64]  # (captions, SYMMETRIES), row of the turned caption's tokens; -1: it would be false
    radiometric: NDArray[np.bool_]  # (captions,), whether it is true however bright the picture is
    range_db: NDArray[np.float32]  # (captions,), as in `Draws`

    def draw(
        self, record_ids: Sequence[str], captions: Sequence[int], *, seed: int, epoch: int
    ) -> tuple[list[int], Draws]:
        """What an epoch does to the pictures of records, each shown with one of its captions; rows of the tokens."""
        rows, symmetries, gains, looks, keys = [], [], [], [], []
        for record, caption in zip(record_ids, captions, strict=True):
            digest = hashlib.blake2b(f"augment/{seed}/{epoch}/{record}".encode(), digest_size=16).digest()
            turn, gain, look, key = (int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4))
            true = np.flatnonzero(self.turned[caption] >= 0)
            symmetries.append(int(true[turn % len(true)]))
            rows.append(int(self.turned[caption, symmetries[-1]]))
            free = bool(self.radiometric[caption])
            gains.append(GAIN_DB * (gain / 2**31 - 1) if free else 0.0)
            looks.append(look % len(LOOKS) if free else 0)
            keys.append(key)
        return rows, Draws(
            np.array(symmetries), np.array(gains, dtype=np.float32), np.array(looks),
            np.array(keys, dtype=np.uint32).view(np.int32), self.range_db[captions],
        )  # fmt: skip


def range_db(place: Mapping[str, Any]) -> float:
    """Decibels between black and white of the picture at `place`, 0 of one of amplitudes.

    Only logarithms are negative, so a negative `low` tells decibels. What does not say is shown as amplitude, as all
    8-bit SAR images are.
    """
    low, high = place["low"][0], place["high"][0]
    return float(high - low) if low < 0 else 0.0


def augmented(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """uint8 (N, C, S, S) → the same, turned and with other speckle and gain; all channels of a pixel alike."""
    images = images.clone()
    for symmetry in range(1, SYMMETRIES):
        if len(rows := np.flatnonzero(draws.symmetry == symmetry)):
            chosen = torch.from_numpy(rows).to(images.device)
            images[chosen] = turned(images[chosen], symmetry=symmetry)
    together = max(1, IN_CACHE * (64 if images.is_cuda else 1) // images.shape[1:].numel())
    for start in range(0, len(images), together):
        part = slice(start, start + together)
        factors = amplitude_factors(draws, part, pixels=images.shape[2:].numel(), device=images.device)
        images[part] = _scaled(images[part].float(), factors.view(-1, 1, *images.shape[2:]), draws.range_db[part])
    return images


def turned(images: torch.Tensor, *, symmetry: int) -> torch.Tensor:
    """Pictures (N, C, S, S), each turned by the symmetry."""
    if symmetry & TRANSPOSED:
        images = images.transpose(2, 3)
    flipped = [axis for bit, axis in ((LEFT_RIGHT, 3), (UP_DOWN, 2)) if symmetry & bit]
    return images.flip(flipped) if flipped else images


def amplitude_factors(draws: Draws, part: slice, *, pixels: int, device: torch.device) -> torch.Tensor:
    """float32 (N, pixels): gain times fully developed speckle, the square root of a gamma variable of mean 1 and of as
    many looks (Goodman 1976). Each pixel's number is a hash of the key and its place, so no generator has a state."""
    looks, key, gain_db = (
        torch.from_numpy(values[part]).to(device)[:, None] for values in (draws.looks, draws.key, draws.gain_db)
    )
    level = _hash(_hash(torch.arange(pixels, dtype=torch.int32, device=device)[None]) ^ key)
    level = (level >> 20 & LEVELS - 1) + looks.int() * LEVELS
    speckle = _speckle().to(device).index_select(0, level.flatten()).view(level.shape)
    return speckle * 10 ** (gain_db / 20)


def _scaled(values: torch.Tensor, factors: torch.Tensor, range_db: NDArray[np.float32]) -> torch.Tensor:
    scaled = values * factors
    if range_db.any():
        span = torch.from_numpy(range_db).to(values.device).view(-1, 1, 1, 1)
        shift = 20 * torch.log10(factors) * (255 / span.clamp(min=1e-6))
        scaled = torch.where((span > 0) & (values > 0), values + shift, scaled)  # what is cut off below stays black
    return scaled.round_().clamp_(0, 255).to(torch.uint8)


def _hash(x: torch.Tensor) -> torch.Tensor:
    """A permutation of the 32-bit integers without visible order (C. Wellons, Prospecting for Hash Functions, 2018)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32)):
        x = (x ^ (x >> shift & 2 ** (32 - shift) - 1)) * factor
    return x ^ (x >> 16 & 0xFFFF)


@cache
def _speckle() -> torch.Tensor:
    """Amplitude factors at equal steps of probability, for each of LOOKS; float32 (len(LOOKS) · LEVELS,)."""
    steps = (np.arange(LEVELS) + 0.5) / LEVELS
    rows = [np.sqrt(gammaincinv(looks, steps) / looks) if looks else np.ones(LEVELS) for looks in LOOKS]
    return torch.from_numpy(np.concatenate(rows).astype(np.float32))
