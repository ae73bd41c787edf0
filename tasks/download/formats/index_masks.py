"""Land-cover masks: one label image an image, its values standing for classes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, mask_classes, patterns
from tasks.download.formats.files import Files, Split, counted
from tasks.download.formats.labels import label_array


@dataclass(frozen=True)
class Options:
    """`reader` of a source with index masks."""

    image: str  # regular expression on the whole path, such as S1/(?P<stem>.*)_S1Hand\\.tif
    label: str  # path with the groups of `image` filled in, such as Labels/{stem}_LabelHand.tif
    ignore: tuple[int, ...] = ()  # values that mean "not labelled", such as 0 or -1
    band: int | None = None  # of the label image, where it has several
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image")
        patterns.check_template(self.label, self.image, key="label")


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their masks, sorted by path; a mask is decoded when it is asked for.

    Raises `ValueError` for a missing label image, here; and for a label value that neither `classes` nor `ignore`
    holds, when the mask is asked for.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    table = value_table(source, ignore=options.ignore)
    files = Files.of(root, source)
    pairs = [(path, options.label.format(**groups), groups) for path, groups in patterns.found(files, options.image)]
    missing = [label for _, label, _ in pairs if label not in files]
    if missing:
        raise ValueError(f"{source.name}: {counted(missing, 'label image')} missing; see `reader.label`")
    for path, label, groups in pairs:
        where = f"{source.name}: {label}"
        mask = partial(index_mask, files.local(label), table=table, band=options.band, where=where)
        yield Item(
            path,
            source.modality,
            mask=mask,
            split=patterns.split(groups, options.splits, where=f"{source.name}: {path}"),
            polarization=groups.get("polarization"),
        )


def value_table(source: Source, *, ignore: tuple[int, ...] = ()) -> dict[int, int]:
    """Label value → mask value: 0 for the ignored, else the place of its class in `mask_classes`, from 1.

    Keys of `classes` that are not whole numbers name other things than mask values and are passed over.
    Raises `ValueError` when no key is one, when a class is empty, or when a value is ignored as well.
    """
    places = {name: place for place, name in enumerate(mask_classes(source), start=1)}
    table = {int(key): places[name] for key, name in source.classes.items() if key.lstrip("-").isdecimal()}
    where = f"sources/{source.name}.yaml"
    if not table:
        raise ValueError(f'{where}: classes of a mask need label values as keys, such as "1": water')
    if "" in places or len(places) > 255:
        raise ValueError(
            f"{where}: a mask takes 1 to 255 classes with names; list values to pass over in reader.ignore"
        )
    both = sorted(set(table) & set(ignore))
    if both:
        raise ValueError(f"{where}: value {both[0]} stands in classes and in reader.ignore; keep one")
    return table | dict.fromkeys(ignore, 0)


def mapped(label: npt.NDArray[np.integer], table: dict[int, int], *, where: str) -> npt.NDArray[np.uint8]:
    """(H, W) mask from (H, W) label values. Raises `ValueError` naming a value that `table` does not hold."""
    low, high = int(label.min()), int(label.max())
    if high - low > 1 << 16:
        raise ValueError(f"{where}: label values from {low} to {high} are no class numbers")
    shifted = label.astype(np.int64) - low
    counts = np.bincount(shifted.ravel(), minlength=high - low + 1)
    unknown = [value + low for value in np.flatnonzero(counts).tolist() if value + low not in table]
    if unknown:
        pixels = int(counts[unknown[0] - low])
        raise ValueError(
            f"{where}: value {unknown[0]} ({pixels} px) is not in classes; add it there, or to reader.ignore"
            + (f" (and {len(unknown) - 1} more values)" if len(unknown) > 1 else "")
        )
    lookup = np.array([table.get(value, 0) for value in range(low, high + 1)], dtype=np.uint8)
    return lookup[shifted]


def index_mask(label: Path, *, table: dict[int, int], band: int | None, where: str) -> npt.NDArray[np.uint8]:
    """(H, W) mask of the label image `label`; see `value_table`. Raises `ValueError` as `label_array` and `mapped`."""
    return mapped(label_array(label, band=band, where=where), table, where=where)
