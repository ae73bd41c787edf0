"""Decoding what archives hold, as stored; and the declared mapping to a picture."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from sar_models import images, tiff
from sar_models.images import decode, open_picture, picture

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
DB = RNG.normal(-12.0, 6.0, (20, 30, 2)).astype(np.float32)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tif(array: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def png(width: int, height: int, *, depth: int, colour: int, rows: bytes = b"") -> bytes:
    """A PNG written by hand, for headers and depths that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_eight_bits_come_back_as_stored_without_alpha(kind: str, mode: str) -> None:
    image = Image.fromarray(RGBA).convert(mode)
    expected = np.asarray(image.convert("L" if mode in "1L" else "RGB"))
    stored = decode(saved(image, kind))
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, expected.reshape(stored.shape))


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_compressed_tiff(compression: str, mode: str) -> None:
    image = Image.fromarray(RGBA).convert(mode)
    expected = np.asarray(image.convert("L" if mode in "1L" else "RGB"))
    stored = decode(saved(image, "TIFF", compression=compression))
    np.testing.assert_array_equal(stored, expected.reshape(stored.shape))


def test_jpeg_keeps_its_number_of_bands() -> None:
    grey = Image.fromarray(GREY)
    assert decode(saved(grey, "JPEG")).shape == (20, 30, 1)
    stored = decode(saved(grey.convert("RGB"), "JPEG"))
    assert stored.shape == (20, 30, 3)
    np.testing.assert_array_equal(stored[..., 0], stored[..., 2])


@pytest.mark.parametrize("data", [saved(Image.fromarray(DEEP), "PNG"), tif(DEEP), tif(DEEP, byteorder=">"),
                                  saved(Image.fromarray(DEEP), "TIFF", compression="tiff_lzw")])  # fmt: skip
def test_sixteen_bits_are_kept(data: bytes) -> None:
    stored = decode(data)
    assert stored.dtype == np.uint16
    assert stored.dtype.isnative
    np.testing.assert_array_equal(stored[..., 0], DEEP)


@pytest.mark.parametrize(("colour", "bands", "kept"), [(2, 3, 3), (6, 4, 3), (4, 2, 1)])
def test_sixteen_bit_colour_png_keeps_its_low_bytes(colour: int, bands: int, kept: int) -> None:
    pixels = RNG.integers(0, 65536, (5, 7, bands)).astype(">u2")
    data = png(7, 5, depth=16, colour=colour, rows=b"".join(b"\0" + row.tobytes() for row in pixels))
    np.testing.assert_array_equal(decode(data), pixels[..., :kept])


PLANES = np.ascontiguousarray(np.moveaxis(DB, -1, 0))


@pytest.mark.parametrize(
    "data",
    [
        tif(DB, photometric="minisblack", planarconfig="contig"),
        tif(DB, photometric="minisblack", planarconfig="contig", compression="zlib"),
        tif(PLANES, photometric="minisblack", planarconfig="separate"),
        tif(PLANES, metadata=None),  # a page a band
        tif(PLANES, metadata={"axes": "CYX"}),
        tif(DB, metadata={"axes": "YXC"}),
        tif(DB),  # H pages of W × C: what numpy users write
        tif(PLANES),
        tif(PLANES, imagej=True),
        tif(PLANES, bigtiff=True, byteorder=">"),
        tiff.write(DB),
    ],
    ids=["contig", "deflate", "separate", "pages", "CYX", "YXC", "HWC", "CHW", "imagej", "big", "ours"],
)
def test_float_bands_in_every_layout(data: bytes) -> None:
    stored = decode(data)
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, DB)


def test_named_band_axis_wins_over_the_shortest() -> None:
    many = RNG.normal(size=(4, 5, 13)).astype(np.float32)  # more bands than rows
    np.testing.assert_array_equal(decode(tif(many, photometric="minisblack", planarconfig="contig")), many)
    planes = np.ascontiguousarray(np.moveaxis(many, -1, 0))
    np.testing.assert_array_equal(decode(tif(planes, photometric="minisblack", planarconfig="separate")), many)


def test_only_bands_marked_as_alpha_are_dropped() -> None:
    np.testing.assert_array_equal(decode(tif(RGBA)), RGBA[..., :3])
    plain = tif(RGBA, photometric="minisblack", planarconfig="contig", extrasamples=["unspecified"] * 3)
    np.testing.assert_array_equal(decode(plain), RGBA)
    mixed = tif(RGBA, photometric="minisblack", planarconfig="contig", extrasamples=["unspecified", "unassalpha", 0])
    np.testing.assert_array_equal(decode(mixed), RGBA[..., [0, 1, 3]])


@pytest.mark.parametrize("kind", [np.int16, np.float16, np.float64])
def test_other_samples_become_float32(kind: type) -> None:
    values = np.array([[-300, 7], [12, 2000]]).astype(kind)
    stored = decode(tif(values))
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored[..., 0], values)


@pytest.mark.parametrize("kind", [np.complex64, np.int32, np.uint32])
def test_samples_that_no_picture_covers_are_refused(kind: type) -> None:
    with pytest.raises(ValueError, match=np.dtype(kind).name):
        decode(tif(np.ones((4, 5), dtype=kind)))


def test_white_is_zero() -> None:
    np.testing.assert_array_equal(decode(tif(GREY, photometric="miniswhite"))[..., 0], 255 - GREY)


def test_lzw_bands_that_pillow_would_shorten_are_refused() -> None:
    plane = saved(Image.fromarray(PLANES[0]), "TIFF", compression="tiff_lzw")
    np.testing.assert_array_equal(decode(plane)[..., 0], PLANES[0])
    two = io.BytesIO()
    Image.fromarray(PLANES[0]).save(
        two, "TIFF", compression="tiff_lzw", save_all=True, append_images=[Image.fromarray(PLANES[1])]
    )
    with pytest.raises(ValueError, match=r"2 bands.*COMPRESS=DEFLATE"):
        decode(two.getvalue())


def test_a_stack_of_colour_images_is_no_image() -> None:
    with pytest.raises(ValueError, match="stack"):
        decode(tif(np.zeros((2, 8, 9, 3), dtype=np.uint8), photometric="rgb"))


WHOLE = {
    "PNG": saved(Image.fromarray(GREY), "PNG"),
    "JPEG": saved(Image.fromarray(GREY), "JPEG"),
    "BMP": saved(Image.fromarray(GREY), "BMP"),
    "TIFF": tif(GREY),
    "deflated TIFF": tif(DB, compression="zlib"),
    "TIFF of pages": tif(PLANES, metadata=None),
    "ImageJ TIFF": tif(PLANES, imagej=True),
    "BigTIFF": tif(PLANES, bigtiff=True, byteorder=">"),
    "LZW TIFF": saved(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_images_are_refused_with_a_reason(kind: str, share: float) -> None:
    with pytest.raises(ValueError, match=r"cannot decode the image: \w+"):
        decode(WHOLE[kind][: int(len(WHOLE[kind]) * share)])


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.sampled_from(sorted(WHOLE)), st.integers(0, 60))
def test_broken_bytes_raise_nothing_but_value_errors(noise: bytes, kind: str, keep: int) -> None:
    try:
        decode(WHOLE[kind][:keep] + noise)
    except ValueError as error:
        assert str(error).startswith("cannot decode the image: ")  # noqa: PT017  # decoding may also succeed


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"GIF89a"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cannot decode the image"):
        decode(data)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12_000, 60_000])  # below and above the limit that Pillow has itself
def test_absurd_sizes_are_refused_before_decoding(side: int) -> None:
    with pytest.raises(ValueError, match=r"limit|exceeds"):
        decode(png(side, side, depth=8, colour=0))
    page = tif(np.zeros((1, 16), dtype=np.uint8))
    for tag, value in ((256, side), (257, side)):  # width and height in the header say what is not there
        at = page.index(struct.pack("<HH", tag, 4))
        page = page[: at + 8] + struct.pack("<I", value) + page[at + 12 :]
    with pytest.raises(ValueError, match="above the limit"):
        decode(page)


def test_a_strip_that_inflates_without_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tif(np.zeros((512, 512), dtype=np.float32), compression="zlib")
    assert decode(bomb).shape == (512, 512, 1)
    with tiff.open_file(bomb) as file, pytest.raises(ValueError, match="inflates to more than 1000 bytes"):
        tiff.pixels(file, length=len(bomb), limit_bytes=1000)
    monkeypatch.setattr(images, "BYTES_LIMIT", 1000)
    with pytest.raises(ValueError, match="above the limit"):
        decode(bomb)


@settings(deadline=None, max_examples=50)
@given(
    arrays.arrays(np.float32, (3, 4, 2), elements=st.floats(-100, 100, width=32)),
    st.floats(-50, 0),
    st.floats(1, 60),
)
def test_picture_is_linear_between_low_and_high(stored: np.ndarray, low: float, span: float) -> None:
    shown = picture(stored, low=[low, low - 3], high=[low + span, low + span])
    exact = (stored.astype(np.float64) - [low, low - 3]) / [span, span + 3] * 255
    assert shown.shape == (3, 4, 3)
    assert np.abs(shown[..., :2] - np.clip(exact, 0, 255)).max() <= 0.5 + 1e-6
    np.testing.assert_array_equal(shown[..., 2], (shown[..., 0].astype(int) + shown[..., 1] + 1) // 2)


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: arrays.arrays(kind, (4, 5, 3))),
    st.integers(0, 100),
    st.integers(101, 60_000),
)
def test_look_up_agrees_with_arithmetic(stored: np.ndarray, low: int, high: int) -> None:
    one = picture(stored, low=[low], high=[high])
    each = picture(stored, low=[low, low, low], high=[high, high, high])
    floats = picture(stored.astype(np.float32), low=[low], high=[high])
    np.testing.assert_array_equal(one, floats)
    np.testing.assert_array_equal(each, floats)


def test_limits_may_differ_between_bands() -> None:
    stored = np.full((2, 2, 3), 100, dtype=np.uint16)
    shown = picture(stored, low=[0, 50, 100], high=[100, 150, 200])
    np.testing.assert_array_equal(shown[0, 0], [255, 128, 0])  # 127.5 is rounded up


def test_nan_and_infinity_have_a_place() -> None:
    stored = np.array([[[np.nan], [-np.inf], [np.inf], [0.0]]], dtype=np.float32)
    np.testing.assert_array_equal(picture(stored, low=[-1], high=[1])[0, :, 0], [0, 0, 255, 128])


def test_eight_bits_shown_as_they_are() -> None:
    np.testing.assert_array_equal(picture(RGBA[..., :3], low=[0], high=[255]), RGBA[..., :3])
    np.testing.assert_array_equal(picture(RGBA, low=[0], high=[255], channels=[3])[..., 0], RGBA[..., 3])


@pytest.mark.parametrize(
    ("bands", "channels", "low", "high", "message"),
    [
        (4, None, [0], [1], r"1 to 3 bands, not 4.*radiometry\.bands"),
        (4, [], [0], [1], "not 0"),
        (2, [0, 2], [0], [1], "the image has 2"),
        (2, [-1], [0], [1], "do not all exist"),
        (3, None, [0, 0], [1, 1], "for 3 bands"),
        (1, None, [0], [1, 1], "1 low and 2 high"),
    ],
)
def test_bands_and_limits_must_fit(bands: int, channels: Any, low: Any, high: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        picture(np.zeros((2, 2, bands), dtype=np.uint8), low=low, high=high, channels=channels)


def test_bare_files(tmp_path: Path) -> None:
    Image.fromarray(DEEP).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(
        open_picture(tmp_path / "deep.png")[..., 0], np.floor(DEEP * 255.0 / 65535 + 0.5).astype(np.uint8)
    )
    (tmp_path / "db.tif").write_bytes(tif(DB))
    with pytest.raises(ValueError, match=r"db\.tif holds float samples, whose radiometry"):
        open_picture(tmp_path / "db.tif")
