"""What is cut is stored without loss, in its own sample type, and always by the same bytes."""

import hashlib

import numpy as np
import pytest

from sar_models.images import decode
from tasks.download import encode

RNG = np.random.default_rng(3)
ARRAYS = {
    "grey": (RNG.integers(0, 256, (17, 23, 1), dtype=np.uint8), ".png"),
    "colour": (RNG.integers(0, 256, (17, 23, 3), dtype=np.uint8), ".png"),
    "dual 8 bit": (RNG.integers(0, 256, (17, 23, 2), dtype=np.uint8), ".tif"),
    "four bands": (RNG.integers(0, 256, (17, 23, 4), dtype=np.uint8), ".tif"),
    "16 bit": (RNG.integers(0, 65536, (17, 23, 1), dtype=np.uint16), ".png"),
    "dual 16 bit": (RNG.integers(0, 65536, (17, 23, 2), dtype=np.uint16), ".tif"),
    "dB": (RNG.normal(-12, 6, (17, 23, 1)).astype(np.float32), ".tif"),
    "dual dB": (RNG.normal(-12, 6, (17, 23, 2)).astype(np.float32), ".tif"),
    "13 bands of 3 rows": (RNG.normal(size=(3, 5, 13)).astype(np.float32), ".tif"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_round_trip(name: str) -> None:
    array, suffix = ARRAYS[name]
    data, found = encode.image(array)
    assert found == suffix
    stored = decode(data)
    assert stored.dtype == array.dtype
    np.testing.assert_array_equal(stored, array)
    assert encode.image(array.copy())[0] == data


def test_float_values_that_are_no_numbers_survive() -> None:
    array = np.array([[[np.nan], [np.inf], [-0.0], [-47.1]]], dtype=np.float32)
    assert decode(encode.image(array)[0]).tobytes() == array.tobytes()


def test_tiff_bytes_are_the_same_on_every_machine() -> None:
    """No date, no host, no compression library: a change of these bytes would re-run every stage behind them."""
    array = (np.arange(24, dtype=np.float32) / 8 - 1).reshape(3, 4, 2)
    digest = hashlib.sha256(encode.image(array)[0]).hexdigest()
    assert digest == "f009416962f71ef3cf174f1aa7d8856909e6182d509bc15a23648bb5e8391a4f"


def test_a_view_is_encoded_like_its_copy() -> None:
    array = ARRAYS["colour"][0]
    assert encode.image(array[::2, ::3]) == encode.image(array[::2, ::3].copy())


def test_mask_values_are_grey_values() -> None:
    mask = np.array([[0, 1], [7, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(decode(encode.mask(mask))[..., 0], mask)
