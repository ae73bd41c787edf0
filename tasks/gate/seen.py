"""What a version learned from, by its lineage: `dvc.data.*` tags → the data sets as they were → records and images."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq

from tasks.gate.stored import stored

MODALITIES = ("optical", "sar")
CAPTIONS = ("train.parquet", "val.parquet")  # validation images choose the weights that are kept
QUESTIONS = ("train_questions.parquet", "val_questions.parquet")  # older data sets have none


@dataclass(frozen=True)
class Seen:
    """The images behind a version."""

    records: frozenset[str]
    images: frozenset[str]  # sha256 of their bytes
    groups: frozenset[str]  # scenes: what must not be divided between training and test
    sources: frozenset[str]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether the image of `row` (as in `records.PLACE`) was learned from: by name, by bytes, or by its scene."""
        return row["record_id"] in self.records or row["sha256"] in self.images or row["group"] in self.groups


def trained_on(tags: Mapping[str, str]) -> Seen:
    """What stands in the training and validation splits of the data sets that a version's `tags` name.

    Raises `ValueError` that says what is missing, when the tags or the data sets cannot be resolved.
    """
    columns: dict[str, set[str]] = {name: set() for name in ("record_id", "sha256", "group", "source")}
    with stored() as kept:
        for modality in MODALITIES:
            digest = tags.get(f"dvc.data.{modality}", "")
            if not digest:
                raise ValueError(f"it has no tag dvc.data.{modality}, so that what it learned from is not known")
            listing = kept.listing(digest)
            for name in (*CAPTIONS, *(name for name in QUESTIONS if name in listing)):
                if name not in listing:
                    raise ValueError(f"the {modality} text {digest} that it learned from holds no {name}")
                table = pq.read_table(BytesIO(kept.read(listing[name])), columns=list(columns))
                for column, found in columns.items():
                    found.update(table[column].unique().to_pylist())
    return Seen(*(frozenset(value for value in found if value) for found in columns.values()))
