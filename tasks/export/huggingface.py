"""Parquet with the images inside, one row an image, as the Hugging Face Hub shows it.

Load with `datasets.load_dataset("OUT")`; the data card `README.md` names the files of each split.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.export.bundle import Bundle, Row
from tasks.validate.card import HUB_NAME
from tasks.validate.write import SPLITS

IMAGES = 4_000  # a file
ROW_GROUP = 100  # images; the Hub's viewer reads whole groups


def write(bundle: Bundle) -> None:
    """Write `data/<split>-<number>-of-<files>.parquet`."""
    bundle.bar.expect(len(bundle.images()))
    schema = _schema()
    for split in SPLITS:
        questions = {first["record_id"]: own for first, own in bundle.by_image(bundle.questions(split))}
        captions = {first["record_id"]: own for first, own in bundle.by_image(bundle.captions(split))}
        first_rows = {record_id: own[0] for told in (questions, captions) for record_id, own in told.items()}
        images = [first_rows[record_id] for record_id in sorted(first_rows)]
        files = range(0, len(images), IMAGES)
        for number, start in enumerate(files):
            own = images[start : start + IMAGES]
            name = f"data/{HUB_NAME[split]}-{number:05}-of-{len(files):05}.parquet"
            bundle.put(name, partial(_file, bundle, own, captions, questions, schema))


def _file(
    bundle: Bundle,
    images: Sequence[Row],
    captions: Mapping[str, list[Row]],
    questions: Mapping[str, list[Row]],
    schema: pa.Schema,
    path: Path,
) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as file:  # the schema says which column is an image
        for start in range(0, len(images), ROW_GROUP):
            rows = [
                _row(bundle, image, captions.get(image["record_id"], []), questions.get(image["record_id"], []))
                for image in images[start : start + ROW_GROUP]
            ]
            file.write_table(pa.Table.from_pylist(rows, schema=schema))


def _row(bundle: Bundle, image: Row, captions: list[Row], questions: list[Row]) -> dict[str, Any]:
    picture = bundle.picture(image)
    bundle.bar.moved(len(picture.data))
    bundle.bar.finished()
    return {
        "record_id": image["record_id"],
        "image": {"bytes": picture.data, "path": f"{Path(image['record_id']).stem}.{picture.suffix}"},
        "captions": [row["text"] for row in captions],
        "routes": [row["route"] for row in captions],
        "questions": [{name: row[name] for name in ("question", "answer", "family")} for row in questions],
        "source": image["source"],
        "licence": bundle.sources[image["source"]].licence.strip(),
        "group": image["group"],
        "width_px": image["width_px"],
        "height_px": image["height_px"],
    }


def _schema() -> pa.Schema:
    from datasets import Features, Image, List, Value

    text = Value("string")
    features = Features(
        {
            "record_id": text,
            "image": Image(),
            "captions": List(text),
            "routes": List(text),
            "questions": List({"question": text, "answer": text, "family": text}),
            "source": text,
            "licence": text,
            "group": text,
            "width_px": Value("int32"),
            "height_px": Value("int32"),
        }
    )
    return features.arrow_schema
