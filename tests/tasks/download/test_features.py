"""Pixel statistics and duplicate descriptors, against numpy and by what they are for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from tasks.download.features import features
from tasks.download.landmarks import LANDMARK, PER_LEVEL

PICTURES = st.sampled_from([1, 3]).flatmap(
    lambda bands: arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(bands)))
)


def hamming(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def area_means(picture: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """By brute force: every pixel becomes rows × columns pixels, which divide evenly into cells."""
    grey = picture.mean(axis=2)
    big = grey.repeat(rows, axis=0).repeat(columns, axis=1)
    height, width = grey.shape
    return big.reshape(rows, height, columns, width).mean(axis=(1, 3))


@settings(deadline=None, max_examples=50)
@given(PICTURES)
def test_statistics_agree_with_numpy(picture: np.ndarray) -> None:
    row, shown = features(picture), picture / 255.0
    assert row["mean"] == pytest.approx(shown.mean())
    assert row["std"] == pytest.approx(shown.std(), abs=1e-9)
    for percent in (1, 50, 99):
        assert row[f"p{percent:02}"] == pytest.approx(np.percentile(shown, percent), abs=1e-12)
    assert row["zero_fraction"] == pytest.approx((picture == 0).mean())
    assert row["saturated_fraction"] == pytest.approx((picture == 255).mean())


@settings(deadline=None, max_examples=50)
@given(PICTURES)
def test_descriptors_agree_with_area_means(picture: np.ndarray) -> None:
    row, cells = features(picture), area_means(picture, 8, 9)
    bits = "".join(f"{int(digit, 16):04b}" for digit in row["dhash"])
    for bit, right, left in zip(bits, cells[:, 1:].ravel(), cells[:, :-1].ravel(), strict=True):
        if abs(right - left) > 1e-9:
            assert bit == str(int(right > left))
    thumbnail = np.frombuffer(row["thumbnail"], dtype=np.uint8).reshape(16, 16)
    means = area_means(picture, 16, 16)
    spread = means.std()
    expected = np.clip(128 + 48 * (means - means.mean()) / spread, 0, 255) if spread > 1e-9 else np.full((16, 16), 128)
    assert np.abs(thumbnail - expected).max() <= 0.5 + 1e-6


def test_flat_picture() -> None:
    row = features(np.full((20, 20, 1), 200, dtype=np.uint8))
    assert row["thumbnail"] == bytes([128]) * 256
    assert row["dhash"] == "0" * 16
    assert row["std"] == 0.0


def test_grey_as_one_band_or_as_three_is_the_same_picture() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (33, 47, 1), dtype=np.uint8)
    assert features(grey) == features(np.repeat(grey, 3, axis=2))


def test_descriptors_find_a_resized_or_brightened_copy_and_not_another_image() -> None:
    rng = np.random.default_rng(2)
    coarse = [rng.integers(0, 200, (12, 12), dtype=np.uint8) for _ in range(2)]
    one, other = (np.asarray(Image.fromarray(c).resize((256, 256), Image.Resampling.BICUBIC)) for c in coarse)
    smaller = np.asarray(Image.fromarray(one).resize((200, 200), Image.Resampling.LANCZOS))
    brighter = (one * 1.2).clip(0, 255).astype(np.uint8)
    base = features(one[..., None])
    for copy in (smaller, brighter):
        again = features(copy[..., None])
        assert hamming(base["dhash"], again["dhash"]) <= 3
        assert np.corrcoef(list(base["thumbnail"]), list(again["thumbnail"]))[0, 1] > 0.98
    stranger = features(other[..., None])
    assert hamming(base["dhash"], stranger["dhash"]) > 12
    assert np.corrcoef(list(base["thumbnail"]), list(stranger["thumbnail"]))[0, 1] < 0.6


def test_landmarks_lie_in_the_weaker_half_too() -> None:
    """Else a crop of it, and of nothing else, would not be found."""
    rng = np.random.default_rng(4)
    picture = rng.normal(60, 4, (256, 256)).astype(np.uint8)
    picture[8:256:16, 8:128:16] = 250  # 128 strong echoes on the left
    found = np.frombuffer(features(picture[..., np.newaxis])["landmarks"], dtype=LANDMARK)
    finest = found[found["scale"] == 0]
    assert len(finest) == PER_LEVEL
    assert (finest["x"] < 16 * 128).any()
    assert (finest["x"] > 16 * 136).sum() >= 2
