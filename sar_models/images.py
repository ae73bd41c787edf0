"""Stored radar and optical images → arrays as stored → 8-bit pictures, by a mapping that the source declares."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sar_models import tiff

PIXEL_LIMIT = 2**27  # width × height, 11,585 px squared; larger images are refused before they are decoded
BYTES_LIMIT = 2**30  # decoded, over all bands

_BROKEN = (  # what the decoders raise for broken bytes
    OSError, EOFError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
    NotImplementedError, ImportError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
_TO_GREY = {"1": "L", "L": "L", "LA": "L", "La": "L"}
_TO_RGB = {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}


def decode(data: bytes) -> npt.NDArray[Any]:
    """Decode JPEG, PNG, BMP or TIFF bytes to (H, W, C) uint8, uint16 or float32, as stored.

    Alpha is dropped, palettes become RGB, grey stored as RGB stays three bands, an orientation tag is not applied
    (annotations refer to the stored raster). Signed 16-bit, float16 and float64 samples become float32.
    The array may be read-only.
    Raises `ValueError` with the reason for broken, truncated, unknown or absurdly large images (`PIXEL_LIMIT`,
    `BYTES_LIMIT`) and for complex and 32-bit integer samples, which the mapping to a picture does not cover.
    """
    try:
        array = _tiff(data) if data[:4] in tiff.MAGIC else _pillow(data, formats=("JPEG", "PNG", "BMP"))
    except _BROKEN as error:
        raise ValueError(f"cannot decode the image: {_reason(error)}") from error
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.dtype in (np.int16, np.float16, np.float64):
        array = array.astype(np.float32)
    if array.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"cannot decode the image: {array.dtype} samples; store uint8, uint16, int16 or float32")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def picture(
    stored: npt.NDArray[Any], *, low: Sequence[float], high: Sequence[float], channels: Sequence[int] | None = None
) -> npt.NDArray[np.uint8]:
    """The (H, W, 1) or (H, W, 3) picture of `stored` (H, W, C): linear from `low` (0) to `high` (255), clipped.

    `low` and `high` hold one value a used band, or one for all; `channels` names the used bands (`None`: all of
    them, three at most). Halves are rounded up. NaN is shown black. Two bands get their mean as the third, which is
    the usual rendering of dual-polarised scenes. The picture may be read-only: what needs no change is not copied.
    Raises `ValueError` when the numbers of bands and limits do not fit.
    """
    bands = list(range(stored.shape[2])) if channels is None else list(channels)
    if not 1 <= len(bands) <= 3:
        raise ValueError(f"a picture has 1 to 3 bands, not {len(bands)}: name them in radiometry.bands")
    if not all(0 <= band < stored.shape[2] for band in bands):
        raise ValueError(f"bands {bands} do not all exist: the image has {stored.shape[2]}")
    if len(low) != len(high) or len(low) not in (1, len(bands)):
        raise ValueError(f"{len(low)} low and {len(high)} high values for {len(bands)} bands: give one a band, or one")
    if bands != list(range(stored.shape[2])):
        stored = stored[..., bands]
    shown = _stretch(stored, low=list(low) * (len(bands) // len(low)), high=list(high) * (len(bands) // len(high)))
    if len(bands) == 2:
        mean = (shown[..., 0].astype(np.uint16) + shown[..., 1] + 1) // 2
        shown = np.dstack([shown, mean.astype(np.uint8)])
    return np.ascontiguousarray(shown)


def open_picture(path: Path) -> npt.NDArray[np.uint8]:
    """The picture of a bare image file: 8 bits shown 0..255, 16 bits 0..65535, as (H, W, 1) or (H, W, 3).

    Raises `ValueError` for what `decode` refuses, and for float samples: their radiometry is not in the file.
    """
    stored = decode(path.read_bytes())
    if stored.dtype == np.float32:
        raise ValueError(
            f"{path} holds float samples, whose radiometry the file does not tell: decode it and give picture() "
            "its low and high (such as -25 and 5 dB)"
        )
    return picture(stored, low=(0.0,), high=(float(np.iinfo(stored.dtype).max),))


def _stretch(stored: npt.NDArray[Any], *, low: list[float], high: list[float]) -> npt.NDArray[np.uint8]:
    if stored.dtype == np.uint8 and set(low) == {0.0} and set(high) == {255.0}:
        return stored
    if stored.dtype in (np.uint8, np.uint16):  # one look-up a sample
        levels = np.arange(np.iinfo(stored.dtype).max + 1, dtype=np.float64)
        tables = [_linear(levels, low=a, high=b) for a, b in zip(low, high, strict=True)]
        if len(set(low)) == len(set(high)) == 1:
            return np.take(tables[0], stored)
        return np.stack([table[stored[..., band]] for band, table in enumerate(tables)], axis=-1)
    return np.stack(
        [_linear(stored[..., i], low=a, high=b) for i, (a, b) in enumerate(zip(low, high, strict=True))], -1
    )


def _linear(values: npt.NDArray[Any], *, low: float, high: float) -> npt.NDArray[np.uint8]:
    scaled = (values.astype(np.float64) - low) * 255.0 / (high - low) + 0.5
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0.0, 255.0).astype(np.uint8)


def _tiff(data: bytes) -> npt.NDArray[Any]:
    with tiff.open_file(data) as file:
        height, width, bands, itemsize = tiff.size(file)
        _refuse_absurd(width, height, bands * itemsize)
        try:
            return tiff.pixels(file, length=len(data), limit_bytes=BYTES_LIMIT)
        except tiff.NeedsPillow as need:
            array = _pillow(data, formats=("TIFF",))
            if need.palette or (array.shape[2], 8 * array.itemsize) == (need.colours, max(8, need.bits)):
                return array
            raise ValueError(  # Pillow shows the first band, or the high bytes, and says nothing
                f"a TIFF of {bands} bands and {need.bits} bits with compression {need.compression} needs a codec that "
                "is not installed: save it again with deflate (gdal_translate -co COMPRESS=DEFLATE)"
            ) from need


def _pillow(data: bytes, *, formats: tuple[str, ...]) -> npt.NDArray[Any]:
    with Image.open(io.BytesIO(data), formats=formats) as image:
        _refuse_absurd(image.width, image.height, 4)
        if image.format == "PNG" and str(image.tile[0].args).endswith(";16B") and image.mode in ("RGB", "RGBA"):
            return _deep_png(data, rawmode=str(image.tile[0].args))
        if image.mode in _TO_GREY:
            grey = image if image.mode == "L" else image.convert("L")
            return np.asarray(grey)[..., np.newaxis]
        image.info.pop("transparency", None)  # alpha is dropped in any case
        if image.mode in _TO_RGB:
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
        if image.mode in ("I;16", "I;16B", "F"):
            return np.asarray(image)[..., np.newaxis]
        raise ValueError(f"{image.format} of Pillow mode {image.mode} is not supported")


def _deep_png(data: bytes, *, rawmode: str) -> npt.NDArray[np.uint16]:
    """16-bit colour PNG, of which Pillow keeps the high bytes only.

    Read twice: its reader for the other byte order takes the low bytes. Grey with alpha has no such reader; there
    the four bytes of a pixel are read as four 8-bit bands.
    """
    if rawmode == "LA;16B":
        bytes_ = _raw_png(data, rawmode="RGBA")
        return _join(bytes_[..., :1], bytes_[..., 1:2])
    high, low = _raw_png(data, rawmode=rawmode), _raw_png(data, rawmode=rawmode.replace(";16B", ";16L"))
    return _join(high, low)[..., :3]


def _join(high: npt.NDArray[np.uint8], low: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    return high * np.uint16(256) + low


def _raw_png(data: bytes, *, rawmode: str) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        image.tile = [tile._replace(args=rawmode) for tile in image.tile]
        return np.asarray(image)


def _refuse_absurd(width: int, height: int, bytes_a_pixel: int) -> None:
    if width * height > PIXEL_LIMIT or width * height * bytes_a_pixel > BYTES_LIMIT:
        raise ValueError(
            f"{width} × {height} px of {bytes_a_pixel} bytes is above the limit of {PIXEL_LIMIT} px and {BYTES_LIMIT} "
            "bytes: cut it into tiles first"
        )


def _reason(error: BaseException) -> str:
    said = str(error).split("<_io")[0].strip()
    return said if said and isinstance(error, OSError | ValueError) else f"{type(error).__name__} {said}".strip()
