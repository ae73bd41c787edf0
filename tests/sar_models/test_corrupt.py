import numpy as np
import pytest

from sar_models.corrupt import corrupted

FLAT = np.full((200, 200, 1), 40, dtype=np.uint8)
DB = 50.0


def made(picture: np.ndarray, kind: str, level: float, *, range_db: float = 0.0, seed: int = 0) -> np.ndarray:
    return corrupted(picture, kind, level, range_db=range_db, generator=np.random.default_rng(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("looks", [1, 4, 16])
def test_speckle_has_the_moments_of_its_looks(looks: int) -> None:
    intensity = made(FLAT, "speckle_looks", looks).astype(float) ** 2
    assert intensity.mean() == pytest.approx(40**2, rel=0.03)
    assert intensity.std() / intensity.mean() == pytest.approx(looks**-0.5, rel=0.05)


@pytest.mark.parametrize("noise_db", [-10, 0])
def test_noise_adds_its_power(noise_db: float) -> None:
    intensity = made(FLAT, "noise_db", noise_db).astype(float) ** 2
    assert intensity.mean() == pytest.approx(40**2 * (1 + 10 ** (noise_db / 10)), rel=0.03)
    assert made(np.zeros_like(FLAT), "noise_db", noise_db).max() == 0, "relative to a mean power of nothing"


def test_gain_is_a_factor_of_amplitudes_and_a_step_of_decibels() -> None:
    assert set(made(FLAT, "gain_db", 6).ravel()) == {80}
    assert set(made(FLAT, "gain_db", -6).ravel()) == {20}
    assert set(made(FLAT, "gain_db", 6, range_db=DB).ravel()) == {40 + round(6 / DB * 255)}
    assert made(np.full_like(FLAT, 250), "gain_db", 6).max() == 255


def test_a_picture_of_decibels_gets_the_same_speckle() -> None:
    bright = np.full_like(FLAT, 120)
    decibels = made(bright, "speckle_looks", 4, range_db=DB).astype(float) * DB / 255
    intensity = 10 ** (decibels / 10)
    assert intensity.std() / intensity.mean() == pytest.approx(0.5, rel=0.06)


def test_black_stays_black_and_channels_stay_alike() -> None:
    picture = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    for kind, level in (("speckle_looks", 1), ("gain_db", 6)):
        for range_db in (0.0, DB):
            found = made(picture, kind, level, range_db=range_db)
            assert found[0, 0, 0] == 0
            np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_a_coarser_grid_holds_means() -> None:
    picture = np.arange(30 * 41, dtype=np.uint8).reshape(30, 41, 1) // 2
    half = made(picture, "resolution", 2)
    assert half.shape == (15, 20, 1)
    assert made(picture, "resolution", 8).shape == (3, 5, 1)
    assert made(picture[:3, :3], "resolution", 8).shape == (1, 1, 1)
    square = made(np.kron(np.array([[10, 20], [30, 40]]), np.ones((8, 8)))[..., None].astype(np.uint8), "resolution", 8)
    assert square[..., 0].tolist() == [[10, 20], [30, 40]]


def test_equal_seeds_give_equal_pictures() -> None:
    for kind, level in (("speckle_looks", 4), ("noise_db", 0)):
        np.testing.assert_array_equal(made(FLAT, kind, level, seed=3), made(FLAT, kind, level, seed=3))
        assert (made(FLAT, kind, level, seed=3) != made(FLAT, kind, level, seed=4)).any()
