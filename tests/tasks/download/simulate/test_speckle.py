"""Clutter statistics against theory: looks, correlation, side lobes, texture."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import windows

from tasks.download.simulate import impulse, speckle

SIZE = 270
SYSTEM = {"bandwidth": 0.8, "n_bar": 5, "side_lobe_db": 32.0}


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def flat(level: float = 1.0) -> speckle.Floats:
    return np.full((SIZE, SIZE), level, np.float32)


def response(size: int = SIZE) -> np.ndarray:
    """Impulse response with its peak at (0, 0), real because the weights are even."""
    return np.real(np.fft.ifft2(impulse.transfer(size, **SYSTEM).astype(np.float64)))


@pytest.mark.parametrize("looks", [1, 3, 4])
def test_equivalent_number_of_looks(looks: int) -> None:
    power = speckle.multilook(rng(looks), flat(), impulse.transfer(SIZE, **SYSTEM), looks=looks)
    # Correlated px carry less: the sample has as many independent ones as the squared correlation leaves.
    correlation = response()
    coherence = np.real(np.fft.ifft2(np.abs(np.fft.fft2(correlation)) ** 2)) ** 2
    independent = SIZE**2 / (coherence.sum() / coherence[0, 0])
    found = power.mean() ** 2 / power.var()
    assert found == pytest.approx(looks, rel=5 * np.sqrt(2 * (1 + 3 / looks) / independent))
    assert power.mean() == pytest.approx(1.0, abs=5 / np.sqrt(looks * independent))


def test_autocorrelation_of_the_intensity_is_that_of_the_impulse_response() -> None:
    power = np.mean([
        _autocovariance(speckle.multilook(rng(seed), flat(), impulse.transfer(SIZE, **SYSTEM), looks=1))
        for seed in range(6)
    ], axis=0)  # fmt: skip
    field = np.real(np.fft.ifft2(impulse.transfer(SIZE, **SYSTEM).astype(np.float64) ** 2))
    expected = (field / field[0, 0]) ** 2  # of circular Gaussian fields (Siegert relation)
    for lag in range(4):
        assert power[0, lag] / power[0, 0] == pytest.approx(expected[0, lag], abs=0.02)
        assert power[lag, 0] / power[0, 0] == pytest.approx(expected[lag, 0], abs=0.02)
    assert expected[0, 1] > 0.3, "neighbouring px must be correlated for this test to say something"
    assert expected[0, 3] < 0.05


def _autocovariance(power: np.ndarray) -> np.ndarray:
    return np.real(np.fft.ifft2(np.abs(np.fft.fft2(power - power.mean())) ** 2)) / power.var()


@pytest.mark.parametrize("side_lobe_db", [25.0, 32.0, 40.0])
def test_side_lobes_of_a_point(side_lobe_db: float) -> None:
    system = {**SYSTEM, "side_lobe_db": side_lobe_db}
    points = np.zeros((SIZE, SIZE), np.complex64)
    points[SIZE // 2, SIZE // 2] = 100.0 * np.exp(0.7j)
    power = speckle.multilook(rng(), flat(0.0), impulse.transfer(SIZE, **system), looks=2, points=points)
    spectrum = np.fft.fft(np.sqrt(power[SIZE // 2].astype(np.float64)) * _signs(system))
    fine = np.zeros(16 * SIZE, complex)  # sixteen times finer, by zero padding
    fine[: SIZE // 2], fine[-(SIZE // 2) :] = spectrum[: SIZE // 2], spectrum[-(SIZE // 2) :]
    line_db = 20 * np.log10(np.abs(np.fft.ifft(fine)) + 1e-12)
    peak = int(line_db.argmax())
    right = line_db[peak : peak + 16 * 20] - line_db[peak]
    first_null = int(np.flatnonzero(np.diff(right) > 0)[0])
    assert right[first_null:].max() == pytest.approx(-side_lobe_db, abs=1.0)


def _signs(system: dict[str, float]) -> np.ndarray:
    """Detection loses the sign of the side lobes; the known response gives it back."""
    line = np.real(np.fft.ifft(impulse.transfer(SIZE, **system)[0].astype(np.float64)))
    return np.where(np.roll(line, SIZE // 2) < 0, -1.0, 1.0)


@pytest.mark.parametrize(("n_bar", "side_lobe_db"), [(4, 25.0), (5, 32.0), (6, 40.0)])
def test_taylor_weights_are_those_of_scipy(n_bar: int, side_lobe_db: float) -> None:
    expected = windows.taylor(101, nbar=n_bar, sll=side_lobe_db, norm=False)
    assert impulse.taylor(101, n_bar=n_bar, side_lobe_db=side_lobe_db) == pytest.approx(expected, abs=1e-8)


def test_impulse_response_keeps_the_mean_and_the_point_energy() -> None:
    assert np.mean(impulse.transfer(SIZE, **SYSTEM).astype(np.float64) ** 2) == pytest.approx(1.0, abs=1e-6)
    assert (response() ** 2).sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("shape", [1.5, 3.0, 20.0])
def test_texture_is_gamma_and_speckled_texture_is_k_distributed(shape: float) -> None:
    gauss = speckle.correlated(rng(3), SIZE, length_px=0.3)
    texture = np.take(speckle.gamma_table(shape), speckle.gamma_steps(gauss))
    assert texture.mean() == pytest.approx(1.0, abs=0.03)
    thinned = texture[::4, ::4].ravel()
    assert stats.kstest(thinned, "gamma", args=(shape, 0, 1 / shape)).statistic < 0.03
    # Without blur: E[I²]/E[I]² = 2 (1 + 1/ν) for the K distribution, 2 for Rayleigh speckle.
    unit = np.ones((SIZE, SIZE), np.float32)
    power = speckle.multilook(rng(4), texture, unit, looks=1).astype(np.float64)
    assert (power**2).mean() / power.mean() ** 2 == pytest.approx(2 * (1 + 1 / shape), rel=0.08)
    assert (power**2).mean() / power.mean() ** 2 > 2.05


def test_correlated_field_has_the_promised_moments_and_waves() -> None:
    smooth = speckle.correlated(rng(5), SIZE, length_px=2.0)
    assert smooth.mean() == pytest.approx(0.0, abs=0.05)
    assert smooth.std() == pytest.approx(1.0, abs=0.05)
    assert np.mean(smooth[:, 1:] * smooth[:, :-1]) > 0.7
    waves = speckle.correlated(rng(6), SIZE, length_px=3.0, wavelength_px=11.0, direction=0)
    spectrum = np.abs(np.fft.rfft(waves, axis=1)).mean(axis=0)
    assert SIZE / int(spectrum[5:].argmax() + 5) == pytest.approx(11.0, abs=2.0)
    assert waves.std() == pytest.approx(1.0, abs=0.06)


def test_looks_and_bandwidth_are_checked() -> None:
    with pytest.raises(ValueError, match="looks is 0; give at least 1"):
        speckle.multilook(rng(), flat(), flat(), looks=0)
    with pytest.raises(ValueError, match=r"bandwidth is 1\.5"):
        impulse.transfer(64, **{**SYSTEM, "bandwidth": 1.5})
