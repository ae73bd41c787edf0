"""`sar-text review`: one HTML file with images, annotation, captions and questions, to be judged by people offline."""

import base64
import colorsys
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from sar_models.images import decode
from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download import catalog, clip
from tasks.download.formats import Box, mask_classes
from tasks.review.sample import draw
from tasks.validate.reviews import COLUMNS, judged_text
from tasks.validate.write import SPLITS

BATCH = 50_000  # rows read at once
SIDE_PX = 720  # of the larger side of an image on the page
_DRAWN = ["record_id", "source", "route", "split"]  # what the sample is drawn by
_CAPTION = ["record_id", "source", "route", "split", "caption_id", "text", "rule"]
_QUESTION = ["record_id", "question_id", "question", "answer", "family"]
_RECORD = [
    "record_id", "source", "shard", "offset", "length", "width_px", "height_px", "channels", "low", "high",
    "mask_offset", "mask_length", "sensor", "band", "polarization", "resolution_m", "boxes", "label",
]  # fmt: skip


def write(modality: str, path: Path, *, n: int, seed: int) -> int:
    """Write the page of `n` images of the validated text to `path`; returns how many there are.

    Equal data and seed give equal bytes. Raises `ValueError` when the data set is missing, or `n` is not positive.
    """
    if n < 1:
        raise ValueError(f"a sheet of {n} images shows nothing: give --n 1 or more")
    folder = paths.text(modality)
    tables = [folder / f"{split}.parquet" for split in SPLITS]
    chosen = draw([row for path in tables for row in records.read(path, columns=_DRAWN)], n=n, seed=seed)
    captions = _by_record(tables, chosen, columns=_CAPTION)
    questions = _by_record([folder / f"{split}_questions.parquet" for split in SPLITS], chosen, columns=_QUESTION)
    drawn = _drawn(modality, chosen)
    items = [
        drawn[record_id]
        | {
            "captions": [
                {"id": row["caption_id"], "text": judged_text(row), "tag": f"{row['route']} · {row['rule']}"}
                for row in captions[record_id]
            ],
            "questions": [
                {"id": row["question_id"], "text": judged_text(row), "tag": row["family"],
                 "question": row["question"], "answer": row["answer"]}
                for row in questions[record_id]
            ],
            "where": " · ".join((captions[record_id][0]["source"], captions[record_id][0]["split"])),
        }
        for record_id in chosen
    ]  # fmt: skip
    data = json.dumps({"text": modality, "seed": seed, "columns": COLUMNS, "items": items}, ensure_ascii=False)
    page = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    filled = page.replace("%KEY%", hashlib.sha256(data.encode()).hexdigest()[:16])
    filled = filled.replace("%DATA%", data.replace("<", "\\u003c"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filled, encoding="utf-8")
    return len(items)


def _by_record(
    tables: Sequence[Path], chosen: Sequence[str], *, columns: Sequence[str]
) -> Mapping[str, list[Mapping[str, Any]]]:
    """The rows of the chosen images: of a whole data set, the rest is never made into Python objects."""
    wanted, found = pa.array(chosen, pa.string()), defaultdict(list)
    for path in tables:
        for batch in records.read_batches(path, columns=columns, rows=BATCH):
            for row in batch.filter(pc.is_in(batch.column("record_id"), value_set=wanted)).to_pylist():
                found[row["record_id"]].append(row)
    return found


def _drawn(modality: str, chosen: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Image and annotation of each record, as the page shows them."""
    wanted, found = set(chosen), {}
    with ShardReader(paths.sources_data(modality)) as shards:
        for name in sorted({record_id.split("/", 1)[0] for record_id in chosen}):
            folder = paths.source_data(name)
            source = catalog.load(name, path=folder / "source.yaml")
            colours = {name: _colour(number) for number, name in enumerate(mask_classes(source))}
            for record in records.read(folder / "records.parquet", columns=_RECORD):
                if record["record_id"] in wanted:
                    boxes = [_outline(box, colours) for box in record["boxes"] or ()]
                    mask, legend = _mask(record, shards, classes=mask_classes(source), colours=colours)
                    legend |= {box["name"]: box["colour"] for box in boxes}
                    found[record["record_id"]] = {
                        "record": record["record_id"],
                        "width": record["width_px"],
                        "height": record["height_px"],
                        "image": _picture(shards.picture(record)),
                        "mask": mask,
                        "boxes": boxes,
                        "legend": [{"name": known, "colour": legend[known]} for known in sorted(legend)],
                        "facts": _facts(record),
                    }
    return found


def _colour(number: int) -> str:
    """Colours far apart for neighbouring numbers: steps of the golden angle around the wheel."""
    red, green, blue = colorsys.hls_to_rgb((0.06 + number * 0.618034) % 1, (0.5, 0.62, 0.38)[number % 3], 0.85)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _facts(record: Mapping[str, Any]) -> str:
    resolution = None if record["resolution_m"] is None else f"{record['resolution_m']:g} m"
    label = None if record["label"] is None else f"label {record['label']}"
    size = f"{record['width_px']} × {record['height_px']} px"
    known = (size, record["sensor"], record["band"], record["polarization"], resolution, label)
    return " · ".join(fact for fact in known if fact)


def _outline(box: Mapping[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    shape = Box(box["class"], box["x"], box["y"], box["w"], box["h"], box["angle_deg"])
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in clip.corners(shape))
    return {"name": box["class"], "colour": colours[box["class"]], "points": points}


def _mask(
    record: Mapping[str, Any], shards: ShardReader, *, classes: Sequence[str], colours: Mapping[str, str]
) -> tuple[str | None, dict[str, str]]:
    if record["mask_offset"] is None:
        return None, {}
    place = {**record, "offset": record["mask_offset"], "length": record["mask_length"]}
    values = decode(shards.read(place))[..., 0]
    shown = {value: classes[value - 1] for value in np.unique(values).tolist() if value}
    palette = np.zeros((256, 4), dtype=np.uint8)
    for value, name in shown.items():
        palette[value] = [*bytes.fromhex(colours[name][1:]), 115]
    image = Image.fromarray(palette[values])
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)
    return _embedded(image, "PNG"), {name: colours[name] for name in shown.values()}


def _picture(pixels: Any) -> str:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    return _embedded(image, "JPEG", quality=85)


def _embedded(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
