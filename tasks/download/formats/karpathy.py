"""Karpathy JSON: images with sentences and splits, as used for RSICD and its relatives.

Format: Karpathy and Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", CVPR 2015. The
split `restval` (images that were left over from validation) belongs to training.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item
from tasks.download.formats.files import Files, Split, Unannotated, join, split_of

_SPLITS: dict[str, Split] = {"train": "train", "restval": "train", "val": "val", "test": "test"}


@dataclass(frozen=True)
class Options:
    """`reader` of a Karpathy source."""

    file: str  # the JSON
    images: str = "images"  # folder that `filename` (below `filepath`, where given) is relative to
    splits: dict[str, Split] = field(default_factory=lambda: dict(_SPLITS))  # the JSON's split → ours
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their sentences, sorted by path; blank sentences are left out, the others stay as they are.

    Raises `ValueError` for JSON of another form, an unknown split, an image named twice, an image without sentences
    (unless the options settle it) or one that is missing (unless a subset is declared).
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    where = f"{source.name}: {options.file}"
    images: dict[str, tuple[tuple[str, ...], Split]] = {}
    try:
        for entry in json.loads(files.text(options.file))["images"]:
            path = join(options.images, join(entry.get("filepath") or ".", entry["filename"]))
            if path in images:
                raise ValueError(f"{where}: {path} stands there twice")
            sentences = (sentence["raw"].strip() for sentence in entry["sentences"])
            split = split_of(entry["split"], options.splits, where=f"{where}: {path}")
            images[path] = (tuple(sentence for sentence in sentences if sentence), split)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where} is not Karpathy JSON: {type(error).__name__} {error}") from error
    for path in files.settle(images, files.images(options.images), unannotated=options.unannotated):
        captions, split_name = images.get(path, ((), None))
        yield Item(path, source.modality, captions=captions, split=split_name)
