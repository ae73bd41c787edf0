"""A scene as the radar sees it: backscatter, layover, shadow, double bounce, points; then speckle and detection."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from tasks import strict
from tasks.download.simulate import impulse, radar_things, speckle
from tasks.download.simulate.geometry import layover_px, shadow_px
from tasks.download.simulate.scene import COVER, TREE, WATER, Scene

Floats = npt.NDArray[np.float32]
TREE_HEIGHT_M = 6.0


@dataclass(frozen=True)
class Clutter:
    """One row of `backscatter.yaml`."""

    sigma0_db: float
    texture_shape: float
    relief_db: float


@dataclass(frozen=True)
class Taylor:
    """Weighting of the processed band."""

    n_bar: int
    side_lobe_db: float


@dataclass(frozen=True)
class Backscatter:
    """The table `backscatter.yaml`."""

    cover: dict[str, Clutter]
    crops_db: dict[str, float]
    surface_db: dict[str, float]
    dihedral_db: dict[str, float]
    dihedral_fade_db_per_deg: float
    points_db: dict[str, tuple[float, ...]]
    noise_floor_db: float
    full_scale_db: dict[int, float]
    bandwidth: float
    taylor: Taylor


@functools.cache
def backscatter() -> Backscatter:
    """The backscatter table."""
    return strict.load(Backscatter, Path(__file__).with_name("backscatter.yaml"))


def linear(value_db: float) -> float:
    """Decibels as a power ratio."""
    return round(float(10 ** (value_db / 10)), 9)


def transfer(size: int) -> Floats:
    """The system's transfer function for a canvas of `size` px."""
    table = backscatter()
    return impulse.transfer(size, bandwidth=table.bandwidth, n_bar=table.taylor.n_bar,
                            side_lobe_db=table.taylor.side_lobe_db)  # fmt: skip


def intensity(scene: Scene, *, looks: int) -> Floats:
    """Calibrated intensity (sigma0, linear) of the image (size_px, size_px)."""
    rng = scene.random("radar")
    size = scene.cover.shape[0]
    echoes = radar_things.Echoes(size, rng, backscatter())
    for thing in scene.things:
        echoes.draw(thing)
    sigma = _ground(scene, rng)
    sigma *= np.where(echoes.shadow_mask(), np.float32(0), np.float32(1))
    trees = scene.cover == TREE
    if trees.any():
        _canopy(sigma, trees)
    texture = np.take(speckle.gamma_table(2.0), speckle.gamma_steps(speckle.correlated(rng, size, length_px=1.2)))
    sigma += echoes.surface() * texture
    sigma += np.float32(linear(backscatter().noise_floor_db))
    return scene.crop(speckle.multilook(rng, sigma, transfer(size), looks=looks, points=echoes.points()))


def stored(power: Floats, *, bit_depth: Literal[8, 16]) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Amplitude as it is stored: 0 is no echo, the largest value is full_scale_db, everything above is cut to it."""
    top = {8: 255, 16: 65535}[bit_depth]
    gain = top / math.sqrt(linear(backscatter().full_scale_db[bit_depth]))
    scaled = np.minimum(np.sqrt(power) * np.float32(gain) + np.float32(0.5), np.float32(top))
    return np.asarray(scaled.astype(np.uint8 if bit_depth == 8 else np.uint16))


def render(scene: Scene, *, looks: int, bit_depth: Literal[8, 16]) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """The SAR amplitude image (size_px, size_px) of `scene`."""
    return stored(intensity(scene, looks=looks), bit_depth=bit_depth)


def _ground(scene: Scene, rng: np.random.Generator) -> Floats:
    """Textured backscatter of the land cover (N, N)."""
    table, size = backscatter(), scene.cover.shape[0]
    means, relief, shapes = np.zeros((9, 16), np.float32), np.zeros(9, np.float32), np.ones(9)
    for name, code in COVER.items():
        row = table.cover[name]
        means[code] = linear(row.sigma0_db)
        relief[code], shapes[code] = row.relief_db, row.texture_shape
    for tint, crop in enumerate(scene.crops, start=1):
        means[COVER["cropland"], tint] *= linear(table.crops_db[crop])
    cover = scene.cover.astype(np.intp)
    sigma = np.take(means, cover * 16 + scene.tint)
    # Relief in steps of 0.05 dB through a table: an exponential of the array would differ between processors.
    step = np.clip(scene.relief * np.take(relief, cover) * np.float32(20) + np.float32(200), 0, 400).astype(np.intp)
    sigma *= np.take(np.array([linear((index - 200) / 20) for index in range(401)], np.float32), step)
    gauss = speckle.correlated(rng, size, length_px=1.6)
    water = scene.cover == WATER
    if scene.theme in ("sea", "coast", "harbor") and water.any():
        waves = speckle.correlated(rng, size, length_px=3.0, wavelength_px=11.0, direction=int(rng.integers(8)))
        np.copyto(gauss, waves, where=water)
    tables = np.stack([speckle.gamma_table(float(shape)) for shape in shapes])
    sigma *= np.take(tables, cover * speckle.STEPS + speckle.gamma_steps(gauss))
    return sigma


def _canopy(sigma: Floats, trees: npt.NDArray[np.bool_]) -> None:
    """Layover of the near edge of trees towards the sensor, their shadow behind the far edge."""
    near, far = round(layover_px(TREE_HEIGHT_M)), round(shadow_px(TREE_HEIGHT_M))
    laid, dark = np.zeros_like(trees), np.zeros_like(trees)
    laid[:, :-near] = trees[:, near:]
    for step in (far, far // 2):
        dark[:, step:] |= trees[:, :-step]
    sigma[dark & ~trees] *= np.float32(0.05)
    sigma[laid & ~trees] += np.float32(linear(backscatter().surface_db["tree_edge"]) * 0.5)
