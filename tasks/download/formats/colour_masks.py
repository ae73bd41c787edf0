"""Land-cover masks drawn in colours: one label image an image, its RGB colours standing for classes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sar_models.images import decode
from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, mask_classes, patterns
from tasks.download.formats.files import Files, Split, counted


@dataclass(frozen=True)
class Options:
    """`reader` of a source with colour masks. Colours are written "red,green,blue", here and as keys of `classes`."""

    image: str  # regular expression on the whole path, such as SAR_1024/(?P<area>.+)_SAR_(?P<number>\\d+)\\.tif
    label: str  # path with the groups of `image` filled in, such as LAB_1024/{area}_Label_{number}.tif
    ignore: tuple[str, ...] = ()  # colours that mean "not labelled", such as "0,0,0"
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image")
        patterns.check_template(self.label, self.image, key="label")


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their masks, sorted by path; a mask is decoded when it is asked for.

    Raises `ValueError` for a missing label image, here; and for a colour that neither `classes` nor `ignore` holds,
    when the mask is asked for.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    table = _table(source, options.ignore)
    files = Files.of(root, source)
    pairs = [(path, options.label.format(**groups), groups) for path, groups in patterns.found(files, options.image)]
    missing = [label for _, label, _ in pairs if label not in files]
    if missing:
        raise ValueError(f"{source.name}: {counted(missing, 'label image')} missing; see `reader.label`")
    for path, label, groups in pairs:
        yield Item(
            path,
            source.modality,
            mask=partial(colour_mask, files.local(label), table=table, where=f"{source.name}: {label}"),
            split=patterns.split(groups, options.splits, where=f"{source.name}: {path}"),
            polarization=groups.get("polarization"),
        )


def colour_mask(label: Path, *, table: dict[int, int], where: str) -> npt.NDArray[np.uint8]:
    """(H, W) mask of an RGB label image; `table` maps a colour (65536·red + 256·green + blue) to its mask value.

    Raises `ValueError` for an image that cannot be read or holds no 8-bit RGB, a JPEG (its compression changes
    colours), and for a colour that `table` does not hold, naming it and its number of pixels.
    """
    if label.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(f"{where} is a JPEG, whose compression changes colours; use PNG, BMP or TIFF")
    try:
        colours = decode(label.read_bytes())
    except ValueError as error:
        raise ValueError(f"{where}: {error}; fetch it again, or leave it out of the subset") from error
    if colours.dtype != np.uint8 or colours.shape[2] != 3:
        raise ValueError(
            f"{where} has {colours.shape[2]} bands of {colours.dtype}, not RGB of 8 bits; for class numbers use the "
            "format index_masks"
        )
    codes = colours.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    known = np.array(sorted(table), dtype=np.int32)
    places = np.searchsorted(known, codes).clip(max=len(known) - 1)
    strange = codes[known[places] != codes]
    if strange.size:
        unknown, counts = np.unique(strange, return_counts=True)
        most = int(counts.argmax())
        raise ValueError(
            f"{where}: colour {_written(int(unknown[most]))} ({counts[most]} px) is not in classes; add it there, or "
            "to reader.ignore" + (f" (and {len(unknown) - 1} more colours)" if len(unknown) > 1 else "")
        )
    return np.asarray(np.array([table[int(code)] for code in known], dtype=np.uint8)[places])


def _table(source: Source, ignore: tuple[str, ...]) -> dict[int, int]:
    where = f"sources/{source.name}.yaml"
    if not source.classes or "" in source.classes.values():
        raise ValueError(
            f'{where}: a colour mask needs classes such as "0,0,255": water, each with a name; list colours to pass '
            "over in reader.ignore"
        )
    places = {name: place for place, name in enumerate(mask_classes(source), start=1)}
    table = {_code(colour, where=f"{where}: classes"): places[name] for colour, name in source.classes.items()}
    for colour in ignore:
        if table.setdefault(_code(colour, where=f"{where}: reader.ignore"), 0):
            raise ValueError(f"{where}: colour {colour} stands in classes and in reader.ignore; keep one")
    return table


def _code(colour: str, *, where: str) -> int:
    parts = [part.strip() for part in colour.split(",")]
    if len(parts) != 3 or not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise ValueError(f"{where}: {colour!r} is no colour; write red,green,blue with 0 to 255 each, such as 0,0,255")
    red, green, blue = map(int, parts)
    return 65536 * red + 256 * green + blue


def _written(code: int) -> str:
    return f"{code >> 16},{code >> 8 & 255},{code & 255}"
