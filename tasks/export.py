"""A validated data set as loose images and CSV, for tools that want files, such as `open_clip_train`."""

import hashlib
import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.validate import write


@dataclass(frozen=True)
class ExportSummary:
    """What lies in the folder."""

    modality: str
    images: int
    captions: int
    shown: int  # images written as 8-bit PNG by their radiometry, because plain readers would not show them as meant

    def __str__(self) -> str:
        return (
            f"{self.images} images and {self.captions} captions of the {self.modality} text; {self.shown} images that "
            "plain readers do not show as they are meant (deeper than 8 bits, TIFF, own radiometry) are 8-bit PNG"
        )


def export_openclip(modality: str, out: Path) -> ExportSummary:
    """Lay out `out/Image/<source>/…` and `out/{train,val,test}.csv` (comma-separated, `filepath,caption`).

    Train with `cd OUT && python -m open_clip_train.main --train-data train.csv --val-data val.csv --dataset-type csv
    --csv-separator , --csv-img-key filepath --csv-caption-key caption …`. Image bytes are the source's own where a
    plain reader shows them as they are meant, else an 8-bit PNG made by the declared radiometry.

    Raises `ValueError` when `out` is not empty, when the data set is missing, or when an image in a shard is not the
    one that was validated; `out` is then removed again.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder: name a new one, for an export overwrites nothing")
    folder = paths.text(modality)
    rows = [row for split in write.SPLITS for row in records.read(folder / f"{split}.parquet")]
    images = {row["record_id"]: row for row in rows}
    try:
        with ShardReader(paths.sources_data(modality)) as shards:
            out.mkdir(parents=True, exist_ok=True)
            shown = sum(_write(image, out=out, shards=shards) for image in _in_shard_order(images))
        for split in write.SPLITS:
            shutil.copyfile(folder / f"{split}.csv", out / f"{split}.csv")
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return ExportSummary(modality, len(images), len(rows), shown)


def _in_shard_order(images: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(images.values(), key=lambda image: (image["source"], image["shard"], image["offset"]))


def _write(image: Mapping[str, Any], *, out: Path, shards: ShardReader) -> bool:
    """Write one image; whether as a picture, and not as its stored bytes."""
    data = shards.read(image)
    if hashlib.sha256(data).hexdigest() != image["sha256"]:
        raise ValueError(
            f"{image['record_id']}: {image['shard']} holds other bytes than were validated; `dvc checkout`"
        )
    path = out / write.filepath(image)
    assert path.resolve().is_relative_to(out.resolve()), "write.splits refuses paths that leave the folder"
    path.parent.mkdir(parents=True, exist_ok=True)
    if write.shown_as_stored(image) and _opens(data):
        path.write_bytes(data)
        return False
    picture = shards.picture(image)
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(path, format="PNG")
    return True


def _opens(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "BMP")):
            return True
    except UnidentifiedImageError:
        return False
