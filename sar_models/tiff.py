"""TIFF as radar archives use it: 16-bit, float32 and many bands, which Pillow refuses or silently shortens."""

import io
import struct
import zlib
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import tifffile

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # classic and BigTIFF, both byte orders
NATIVE = {1, 8, 32773, 32946}  # uncompressed, deflate (twice), PackBits: read without the imagecodecs package
GREY_OR_RGB = {0, 1, 2}  # photometric: white is zero, black is zero, RGB
ALPHA = {1, 2}  # extra samples: associated and unassociated alpha
INFLATION = 1032  # deflate expands no byte to more than this many


class NeedsPillow(Exception):
    """A TIFF that tifffile alone does not read (palette, LZW, JPEG inside): for Pillow, if Pillow reads it in full."""

    def __init__(self, page: Any, *, pages: int) -> None:
        super().__init__(f"compression {page.compression}, photometric {page.photometric}")
        alpha = sum(int(sample) in ALPHA for sample in page.extrasamples)
        self.colours = (int(page.samplesperpixel) - alpha) * pages  # bands that a complete reading has
        self.bits = int(page.bitspersample)
        self.palette = page.photometric == 3
        self.compression = int(page.compression)


def size(file: tifffile.TiffFile) -> tuple[int, int, int, int]:
    """(height, width, bands, bytes a sample) of the first image, from its tags alone."""
    series = file.series[0]
    lengths = dict(zip(series.axes, series.shape, strict=True))
    height, width = lengths.pop("Y"), lengths.pop("X")
    return height, width, int(np.prod(list(lengths.values()), dtype=np.int64)), np.dtype(series.dtype).itemsize


def pixels(file: tifffile.TiffFile, *, length: int, limit_bytes: int) -> npt.NDArray[Any]:
    """The first image of `file` as (H, W, C) in its stored type, alpha dropped.

    The axis of the bands is the one that the tags name. Only where they name none (bands saved as pages, or an
    (H, W, C) array saved without layout, which becomes H pages of W × C) it is the shortest axis.
    `length` is that of the file; `limit_bytes` bounds what one compressed segment may inflate to.
    Raises `ValueError` for missing data, for stacks, and for compressions that cannot be read.
    """
    series = file.series[0]
    page = cast(Any, series.pages[0])
    if page.compression not in NATIVE or page.photometric not in GREY_OR_RGB or page.bitspersample % 8:
        raise NeedsPillow(page, pages=len(series.pages))
    for one in series.pages:
        _check_segments(file, one, length=length, limit_bytes=limit_bytes)
    array = series.asarray(maxworkers=1)
    axes = str(series.axes)
    others = [axis for axis, count in zip(axes, array.shape, strict=True) if axis not in "YX" and count > 1]
    if len(others) > 1 or not set(others) <= set("SCQI"):
        raise ValueError(f"a stack of images (axes {axes}, shape {array.shape}), not one image")
    kept = [index for index, axis in enumerate(axes) if axis in "YX" or axis in others]
    array = array.reshape([array.shape[index] for index in kept])
    if not others:
        array = array[..., np.newaxis]
    elif others[0] in "SC":
        array = np.moveaxis(array, "".join(axes[index] for index in kept).index(others[0]), -1)
    elif array.shape[-1] >= array.shape[0]:
        array = np.moveaxis(array, 0, -1)
    if page.photometric == 0 and array.dtype.kind in "bu":  # white is zero
        array = ~array if array.dtype == np.bool_ else np.iinfo(array.dtype).max - array
    extra = [int(sample) for sample in page.extrasamples]
    if others == ["S"] and ALPHA & set(extra):
        colours = array.shape[-1] - len(extra)
        array = array[..., [*range(colours), *(colours + i for i, kind in enumerate(extra) if kind not in ALPHA)]]
    return cast(npt.NDArray[Any], array)


def open_file(data: bytes) -> tifffile.TiffFile:
    """`data` as an open TIFF file, its tags read. Raises `ValueError` when the chain of its pages is broken."""
    _check_chain(data)
    return tifffile.TiffFile(io.BytesIO(data))


def write(array: npt.NDArray[Any]) -> bytes:
    """(H, W, C) as TIFF with contiguous bands, in its own sample type, no band marked as alpha or as colour.

    Equal input gives equal bytes on every machine: there is no date, host or software in the file, and no compression,
    for zlib's output depends on its edition (and gains little on speckle).
    """
    bands = array.shape[2]
    layout: dict[str, Any] = (
        {"planarconfig": "contig", "extrasamples": ["unspecified"] * (bands - 1)} if bands > 1 else {}
    )
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        array if bands > 1 else array[..., 0],
        byteorder="<",
        photometric="minisblack",
        metadata=None,
        software=False,
        **layout,
    )
    return buffer.getvalue()


def _check_chain(data: bytes) -> None:
    """tifffile reads a truncated chain of pages as far as it goes: bands would be missing."""
    order, big = "<" if data[:2] == b"II" else ">", 43 in data[2:4]
    number, pointer, entry_bytes = (order + "Q", order + "Q", 20) if big else (order + "H", order + "I", 12)
    at, seen = 8 if big else 4, set[int]()
    while True:
        (page,) = struct.unpack_from(pointer, data, at)
        if page == 0:
            return
        if page in seen or page + struct.calcsize(number) > len(data):
            raise ValueError(f"truncated: a page should begin at {page}, the file has {len(data)} bytes")
        seen.add(page)
        (entries,) = struct.unpack_from(number, data, page)
        at = page + struct.calcsize(number) + entries * entry_bytes


def _check_segments(file: tifffile.TiffFile, page: Any, *, length: int, limit_bytes: int) -> None:
    """tifffile shows missing strips as zeros and inflates without bound; neither may pass unseen."""
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset + count > length:
            raise ValueError(f"truncated: strip at {offset} needs {count} bytes, the file has {length}")
        if page.compression in (8, 32946) and count * INFLATION > limit_bytes:
            file.filehandle.seek(offset)
            stream = zlib.decompressobj()
            stream.decompress(file.filehandle.read(count), limit_bytes)
            if not stream.eof:
                raise ValueError(f"a strip inflates to more than {limit_bytes} bytes")
