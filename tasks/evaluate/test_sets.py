"""The test sets: one a source, named `<modality>/<source>`, and `<modality>/all` where several can be pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import paths, records

MIN_IMAGES = 2  # retrieval among one image, and CIDEr over one document, say nothing
ENCODING = "its source has another encoding: convert that file to UTF-8, then run download and all that follows"
PLACE = [name for name, _ in records.PLACE]


@dataclass(frozen=True)
class TestSet:
    """Images with their captions; `images` are rows of the pool that the models see once."""

    __test__ = False  # pytest: not a test

    name: str
    images: tuple[int, ...]


@dataclass(frozen=True)
class TestPool:
    """Every test image once, with the test sets that it belongs to."""

    __test__ = False

    images: list[dict[str, Any]]  # the image's place, as in records.PLACE
    modalities: list[str]  # of each image, the text that it is tested for: sar | optical
    captions: list[list[str]]  # for each image, its true captions
    routes: list[list[str]]  # of each of them, which way it was written: a2c, sa2c, …
    sets: list[TestSet]  # sorted by name
    left_out: list[str]  # a sentence for each source that has too few images for a test set of its own


def read(modalities: Sequence[str] = ("optical", "sar")) -> TestPool:
    """Read `test.parquet` of each modality.

    Raises `ValueError` for an empty test set, a caption written by a model, an empty caption or one of another
    encoding, a caption_id that comes twice, and images of one record that differ; each names the row.
    """
    images: list[dict[str, Any]] = []
    modality_of: list[str] = []
    captions: list[list[str]] = []
    routes: list[list[str]] = []
    sets: list[TestSet] = []
    left_out: list[str] = []
    for modality in modalities:
        path = paths.text(modality) / "test.parquet"
        rows = _rows(path)
        if not rows:
            raise ValueError(
                f"{path} holds no row: no source of the {modality} text has a test image. Raise validate.split.test in "
                "params.yaml, or add a source with a test split"
            )
        _check(rows, str(path))
        first = len(images)
        number_of: dict[str, int] = {}
        for row in rows:
            number = number_of.setdefault(row["record_id"], len(images))
            place = {name: row[name] for name in PLACE}
            if number == len(images):
                images.append(place)
                modality_of.append(modality)
                captions.append([])
                routes.append([])
            elif images[number] != place:
                raise ValueError(f"{path}: record {row['record_id']} stands for two different images")
            captions[number].append(row["text"])
            routes[number].append(row["route"])
        by_source: dict[str, list[int]] = {}
        for number in range(first, len(images)):
            by_source.setdefault(images[number]["source"], []).append(number)
        for source, numbers in by_source.items():
            if len(numbers) >= MIN_IMAGES:
                sets.append(TestSet(f"{modality}/{source}", tuple(numbers)))
            else:
                left_out.append(f"{modality}/{source} has one test image: counted only in {modality}/all")
        if len(by_source) > 1:
            sets.append(TestSet(f"{modality}/all", tuple(range(first, len(images)))))
        elif left_out and not any(found.name.startswith(f"{modality}/") for found in sets):
            raise ValueError(f"{path} holds one image; retrieval needs at least {MIN_IMAGES}. Add test images")
    return TestPool(images, modality_of, captions, routes, sorted(sets, key=lambda found: found.name), left_out)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The table's rows, or a `ValueError` that names the first whose text is no UTF-8."""
    table = records.read_table(path, columns=[*PLACE, "caption_id", "text", "route"])
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows
    except UnicodeDecodeError:
        valid = [_is_utf8(text) for text in table["text"].cast(pa.binary()).to_pylist()]
        row = valid.index(False) if False in valid else 0
        raise ValueError(f"{path} row {row}: the text is not UTF-8; {ENCODING}") from None


def _is_utf8(text: bytes | None) -> bool:
    try:
        (text or b"").decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def _check(rows: Sequence[Mapping[str, Any]], where: str) -> None:
    seen: set[str] = set()
    for number, row in enumerate(rows):
        place = f"{where} row {number} ({row['caption_id']})"
        if row["route"] == "model":
            raise ValueError(f"{place}: a model wrote this caption; model-written text is never a test reference")
        if not row["text"] or not row["text"].strip():
            raise ValueError(f"{place}: the caption is empty")
        if "\ufffd" in row["text"]:
            raise ValueError(f"{place}: the caption holds a replacement character; {ENCODING}")
        if row["caption_id"] in seen:
            raise ValueError(f"{place}: this caption_id comes twice; run validate again")
        seen.add(row["caption_id"])
