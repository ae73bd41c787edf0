"""Where on Earth the pixels of a GeoTIFF lie.

Format: OGC GeoTIFF Standard 1.1 (OGC 19-008r4): tags 33550 ModelPixelScale, 33922 ModelTiepoint, 34264
ModelTransformation and 34735 GeoKeyDirectory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sar_models import tiff
from tasks.download.clip import Window

_SCALE, _TIEPOINTS, _TRANSFORMATION, _KEYS = 33550, 33922, 34264, 34735
_MODEL, _RASTER, _GEOGRAPHIC, _PROJECTED, _UNIT = 1024, 1025, 2048, 3072, 3076  # ids of keys
_PROJECTED_MODEL, _GEOGRAPHIC_MODEL, _PIXEL_IS_POINT, _METRE = 1, 2, 2, 9001
_UTM = (range(32601, 32661), range(32701, 32761), range(25828, 25839), range(26901, 26924))  # in metres by definition
_NOT_TO_SCALE = {3395, 3785, 3857, 4087, 6933, 32662, 32663}  # world maps, whose metres are metres in one latitude only


@dataclass(frozen=True)
class Georeference:
    """Coordinate system and, of an image whose top is north, its upper left corner and the size of its pixels."""

    crs: str  # EPSG:<code>
    corner: tuple[float, float] | None  # x, y of the outer corner of the first pixel; None: not with north up
    step: tuple[float, float] | None  # width and height of a pixel, in units of `crs`
    metric: bool  # those units are metres on the ground

    def bounds(self, window: Window) -> list[float] | None:
        """West, south, east, north of `window` in units of `crs`; None unless the top of the image is north."""
        if self.corner is None or self.step is None:
            return None
        (x, y), (step_x, step_y) = self.corner, self.step
        return [
            x + window.x * step_x,
            y - (window.y + window.h) * step_y,
            x + (window.x + window.w) * step_x,
            y - window.y * step_y,
        ]

    def spacing_m(self) -> tuple[float, float] | None:
        """Width and height of a pixel on the ground; None where the units are no metres or the file does not tell."""
        return self.step if self.metric else None


def read(data: bytes, *, where: str) -> Georeference | None:
    """The georeference of the image file `data`; None where it has none, or none with an EPSG code.

    Images that are turned, mirrored or placed by several tie points have a coordinate system, but no corner and step.
    Raises `ValueError` that names `where` for tags that contradict the standard.
    """
    if data[:4] not in tiff.MAGIC:
        return None
    with tiff.open_file(data) as file:
        tags: dict[int, Any] = {
            code: file.pages.first.tags.valueof(code) for code in (_SCALE, _TIEPOINTS, _TRANSFORMATION, _KEYS)
        }
    if tags[_KEYS] is None:
        return None
    keys = _keys(tags[_KEYS], where=where)
    code = _code(keys)
    if code is None:
        return None
    half = 0.5 if keys.get(_RASTER) == _PIXEL_IS_POINT else 0.0  # coordinates are then those of a pixel's center
    corner = step = None
    if tags[_SCALE] is not None:
        corner, step = _from_scale(tags[_SCALE], tags[_TIEPOINTS], half=half, where=where)
    elif tags[_TRANSFORMATION] is not None:
        corner, step = _from_matrix(tags[_TRANSFORMATION], half=half, where=where)
    return Georeference(f"EPSG:{code}", corner, step, metric=_is_metric(keys, code))


def _keys(directory: Sequence[int], *, where: str) -> dict[int, int]:
    """Key → value of the keys whose value stands in the directory itself, as all codes do."""
    entries = [directory[start : start + 4] for start in range(4, len(directory), 4)]
    if len(directory) < 4 or directory[0] != 1 or len(entries) < directory[3] or len(directory) % 4:
        raise ValueError(f"{where}: its GeoKeyDirectory is damaged; save the image again, with or without georeference")
    return {int(key): int(value) for key, place, _, value in entries[: directory[3]] if place == 0}


def _code(keys: dict[int, int]) -> int | None:
    """EPSG code of the coordinate system; 32767 stands for one without."""
    model = keys.get(_MODEL)
    code = {_PROJECTED_MODEL: keys.get(_PROJECTED), _GEOGRAPHIC_MODEL: keys.get(_GEOGRAPHIC)}.get(model or 0)
    return code if code is not None and 1024 <= code < 32767 else None


def _is_metric(keys: dict[int, int], code: int) -> bool:
    if keys[_MODEL] != _PROJECTED_MODEL or code in _NOT_TO_SCALE:
        return False
    return keys.get(_UNIT) == _METRE or (_UNIT not in keys and any(code in zone for zone in _UTM))


_Pair = tuple[float, float]


def _from_scale(
    scale: Sequence[float], tiepoints: Sequence[float] | None, *, half: float, where: str
) -> tuple[_Pair | None, _Pair | None]:
    if len(scale) != 3 or tiepoints is None or len(tiepoints) % 6:
        raise ValueError(f"{where}: ModelPixelScale needs three values and a ModelTiepoint; save the image again")
    if len(tiepoints) != 6 or not (scale[0] > 0 and scale[1] > 0):
        return None, None
    column, row, _, x, y, _ = tiepoints
    return (x - (column + half) * scale[0], y + (row + half) * scale[1]), (scale[0], scale[1])


def _from_matrix(matrix: Sequence[float], *, half: float, where: str) -> tuple[_Pair | None, _Pair | None]:
    if len(matrix) != 16:
        raise ValueError(f"{where}: ModelTransformation needs 16 values; save the image again")
    step_x, turn_x, x, turn_y, step_y, y = (matrix[place] for place in (0, 1, 3, 4, 5, 7))
    if turn_x or turn_y or not (step_x > 0 > step_y):
        return None, None
    return (x - half * step_x, y - half * step_y), (step_x, -step_y)
