"""What the radar makes of simple scenes: layover, shadow, noise floor, calibration, bit depths."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.download.simulate import radar
from tasks.download.simulate.geometry import layover_px, shadow_px
from tasks.download.simulate.scene import COVER, GRASS, WATER, Palette, Scene, Thing, margin_px

SIZE = 256
MARGIN = margin_px(SIZE)
N = SIZE + 2 * MARGIN
NOTHING = -200.0


def place(*things: Thing, cover: int = GRASS, theme: str = "bareland", number: int = 1) -> Scene:
    """A flat scene of one land cover."""
    return Scene(number=number, theme=theme, seed=5, size_px=SIZE, margin_px=MARGIN,
                 cover=np.full((N, N), cover, np.uint8), tint=np.zeros((N, N), np.uint8),
                 relief=np.zeros((N, N), np.float32), crops=(), things=things,
                 palette=Palette("blue", "green", "brown", "dark green"))  # fmt: skip


def db(value: float) -> float:
    return float(10 * np.log10(value))


@pytest.mark.parametrize("name", ["grass", "pavement", "water", "tree", "bareland"])
def test_mean_backscatter_is_that_of_the_table(name: str) -> None:
    power = radar.intensity(place(cover=COVER[name]), looks=4)
    expected = radar.linear(radar.backscatter().cover[name].sigma0_db) + radar.linear(
        radar.backscatter().noise_floor_db
    )
    assert db(power.mean()) == pytest.approx(db(expected), abs=0.25)


def test_layover_towards_the_sensor_and_shadow_away_from_it() -> None:
    height = 20.0
    hall = Thing("building", N / 2, N / 2, 40, 60, 0.0, height, "grey", "flat")  # walls along azimuth
    power = np.mean([radar.intensity(place(hall, number=n), looks=8) for n in range(3)], axis=0)
    rows = slice(SIZE // 2 - 20, SIZE // 2 + 20)
    near, far = SIZE // 2 - 20, SIZE // 2 + 20  # columns of its walls
    ground = power[:20].mean()
    laid = power[rows, int(near - layover_px(height)) + 3 : near - 3].mean()
    dark = power[rows, far + 2 : int(far + shadow_px(height)) - 2].mean()
    before = power[rows, : int(near - layover_px(height)) - 4].mean()
    behind = power[rows, int(far + shadow_px(height)) + 4 :].mean()
    assert db(laid / ground) > 6
    assert db(dark) == pytest.approx(radar.backscatter().noise_floor_db, abs=1.5), "shadow holds only noise"
    assert db(before / ground) == pytest.approx(0, abs=0.7)
    assert db(behind / ground) == pytest.approx(0, abs=0.7)
    assert db(power[rows, near - 1 : near + 1].mean() / laid) > 5, "double bounce at the foot of the near wall"


def test_double_bounce_fades_when_the_wall_turns_away() -> None:
    def brightest(angle: float) -> float:
        hall = Thing("building", N / 2, N / 2, 40, 60, angle, 12.0, "grey", "flat")
        return float(np.sort(radar.intensity(place(hall), looks=8).ravel())[-60:].mean())

    assert db(brightest(0) / brightest(20)) > 3
    assert db(brightest(20) / brightest(40)) > 2


def test_noise_floor() -> None:
    """Calm water is the darkest ground, and what has no echo at all shows the noise floor."""
    scene = place(cover=0)  # nothing there: sigma0 zero
    assert db(radar.intensity(scene, looks=4).mean()) == pytest.approx(radar.backscatter().noise_floor_db, abs=0.1)


def test_sea_texture_is_heavier_tailed_than_rayleigh() -> None:
    power = radar.intensity(place(cover=WATER, theme="sea"), looks=1).astype(np.float64)
    plain = radar.intensity(place(cover=0), looks=1).astype(np.float64)
    assert (plain**2).mean() / plain.mean() ** 2 == pytest.approx(2.0, abs=0.08), "noise alone is exponential"
    assert (power**2).mean() / power.mean() ** 2 > 2.25


def test_eight_and_sixteen_bit_hold_the_same_picture() -> None:
    scene = place(Thing("ship", N / 2, N / 2, 80, 14, 30.0, 10.0, "red", "cargo"), cover=WATER, theme="sea")
    power = radar.intensity(scene, looks=4)
    eight, sixteen = radar.stored(power, bit_depth=8), radar.stored(power, bit_depth=16)
    assert (eight.dtype, sixteen.dtype) == (np.uint8, np.uint16)
    assert eight.max() == 255, "a ship fills the 8-bit range"
    assert sixteen.max() < 65535, "16 bit keep the brightest echoes"
    scale = radar.backscatter().full_scale_db
    back = (sixteen / 65535.0) ** 2 * 10 ** (scale[16] / 10)
    assert db(back.mean()) == pytest.approx(db(power.mean()), abs=0.01)
    from_sixteen = np.minimum(np.sqrt(back) * 255 / 10 ** (scale[8] / 20), 255)
    assert np.abs(from_sixteen - eight).max() <= 1.0


def test_each_kind_of_thing_is_brighter_than_its_ground() -> None:
    things = {
        "ship": (Thing("ship", N / 2, N / 2, 60, 12, 75.0, 9, "red", "tanker"), WATER),
        "aircraft": (Thing("aircraft", N / 2, N / 2, 39.5, 35.8, 75.0, 12, "white", "boeing737"), COVER["pavement"]),
        "storage_tank": (Thing("storage_tank", N / 2, N / 2, 30, 30, 0.0, 10, "white"), COVER["pavement"]),
        "bridge": (Thing("bridge", N / 2, N / 2, 80, 12, 80.0, 8, "grey"), WATER),
        "vehicle": (Thing("vehicle", N / 2, N / 2, 10, 2.8, 15.0, 3, "red", "lorry"), COVER["road"]),
        "crane": (Thing("crane", N / 2, N / 2, 8, 6, 0.0, 15), COVER["pavement"]),
    }
    for kind, (thing, ground) in things.items():
        scene = place(thing, cover=ground)
        body = replace(scene, things=(replace(thing, kind="ship" if kind == "crane" else kind),))
        inside = (body.mask() == 0) if kind not in ("bridge", "crane") else _near(thing)
        power = radar.intensity(scene, looks=4)
        assert db(power[inside].mean() / power[:40].mean()) > 8, kind


def _near(thing: Thing) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    return (np.abs(x + MARGIN - thing.x) < 12) & (np.abs(y + MARGIN - thing.y) < 12)


def test_an_unknown_kind_is_a_defect() -> None:
    with pytest.raises(AssertionError, match="no echo for a castle"):
        radar.intensity(place(Thing("castle", 99, 99, 9, 9, 0, 9)), looks=1)
