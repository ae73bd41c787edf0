"""NWPU-Captions' JSON: for each scene class a list of images, their captions under `raw`, `raw_1`, `raw_2`, …

Data set: Q. Cheng et al., "NWPU-Captions Dataset and MLCA-Net for Remote Sensing Image Captioning", IEEE TGRS 60, 2022.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, patterns
from tasks.download.formats.files import Files, Split, Unannotated, join, split_of


@dataclass(frozen=True)
class Options:
    """`reader` of NWPU-Captions."""

    file: str = "dataset_nwpu.json"
    images: str = "NWPU_images"  # folder of the folders of the classes
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # the JSON's split → ours
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their captions, sorted by path; blank captions are left out, the others stay as they are.

    Raises `ValueError` for JSON of another form, an unknown split, an image named twice, an image without captions
    (unless the options settle it) or one that is missing (unless a subset is declared).
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    where = f"{source.name}: {options.file}"
    images: dict[str, tuple[tuple[str, ...], Split]] = {}
    try:
        for scene, entries in json.loads(files.text(options.file)).items():
            for entry in entries:
                path = join(options.images, f"{scene}/{entry['filename']}")
                if path in images:
                    raise ValueError(f"{where}: {path} stands there twice")
                sentences = (entry[key].strip() for key in ["raw", *_further(entry)])
                split = split_of(entry["split"], options.splits, where=f"{where}: {path}")
                images[path] = (tuple(sentence for sentence in sentences if sentence), split)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where} is not NWPU-Captions' JSON: {type(error).__name__} {error}") from error
    for path in files.settle(images, files.images(options.images), unannotated=options.unannotated):
        captions, split_name = images.get(path, ((), None))
        yield Item(path, source.modality, captions=captions, split=split_name)


def _further(entry: dict[str, str]) -> list[str]:
    return sorted((key for key in entry if re.fullmatch(r"raw_\d+", key)), key=lambda key: int(key[4:]))
