"""The optical twin: the same place as the SAR image, in colour, with the sun's shadows."""

import numpy as np
import pytest

from tasks.download.simulate import optical, radar
from tasks.download.simulate.geometry import sun_shadow_px
from tasks.download.simulate.scene import COVER, WATER, Palette, Scene, Thing, margin_px, scene

MARGIN = margin_px(256)
N = 256 + 2 * MARGIN


def at_sea(*things: Thing, cover: int = WATER) -> Scene:
    return Scene(number=1, theme="sea", seed=5, size_px=256, margin_px=MARGIN, cover=np.full((N, N), cover, np.uint8),
                 tint=np.zeros((N, N), np.uint8), relief=np.zeros((N, N), np.float32), crops=(), things=things,
                 palette=Palette("dark blue", "green", "brown", "dark green"))  # fmt: skip


def best_shift(body: np.ndarray, picture: np.ndarray) -> tuple[int, int]:
    """Shift (dy, dx) of `body` at which it covers most of the light of `picture`."""
    shifts = [(dy, dx) for dy in range(-6, 7) for dx in range(-6, 7)]
    return max(shifts, key=lambda shift: float(picture[np.roll(body, shift, (0, 1))].mean()))


@pytest.mark.parametrize("angle", [0.0, 35.0, 90.0, 200.0])
def test_sar_and_optical_show_the_object_at_the_same_place(angle: float) -> None:
    place = at_sea(Thing("ship", N / 2 + 20, N / 2 - 30, 70, 14, angle, 9, "white", "ferry"))
    body = place.mask() == 0
    power = np.minimum(radar.intensity(place, looks=8), 1.0)  # single bright points should not decide
    light = optical.render(place).astype(float).mean(axis=2)
    dy, dx = best_shift(body, power)
    assert abs(dy) <= 1
    assert -4 <= dx <= 1, "only layover may move it, and towards the sensor"
    dy, dx = best_shift(body, light)
    assert max(abs(dy), abs(dx)) <= 1


def test_colours_are_those_that_the_scene_names() -> None:
    water = optical.render(at_sea()).reshape(-1, 3).mean(axis=0)
    assert water == pytest.approx(optical.colours()["water"]["dark blue"], abs=4)
    place = at_sea(Thing("ship", N / 2, N / 2, 90, 18, 10.0, 9, "red", "tanker"))
    hull = optical.render(place)[place.mask() == 0].mean(axis=0)
    assert hull[0] > hull[2] + 25


def test_the_sun_throws_shadows_and_they_are_not_the_radars() -> None:
    hall = Thing("building", N / 2, N / 2, 50, 50, 0.0, 20.0, "white", "flat")
    place = at_sea(hall, cover=COVER["grass"])
    light = optical.render(place).astype(float).mean(axis=2)
    dx, dy = sun_shadow_px(20.0)
    assert dy < 0
    above = light[128 + int(dy) - 22 : 128 - 28, 128 - 10 : 128 + 10]
    below = light[128 + 30 : 128 + 40, 128 - 10 : 128 + 10]
    right = light[118:138, 128 + 30 : 128 + 40]
    assert above.mean() < 0.6 * below.mean()
    assert right.mean() == pytest.approx(below.mean(), rel=0.08), "the radar's shadow falls there, the sun's does not"
    assert dx < 0


def test_the_twin_of_a_real_scene_is_deterministic_and_colourful() -> None:
    place = scene(11, world="pairs", seed=2, size_px=256)
    picture = optical.render(place)
    assert picture.shape == (256, 256, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, optical.render(place))
    assert np.ptp(picture.reshape(-1, 3).mean(axis=0)) > 5
