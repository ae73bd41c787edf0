"""The validated data set on disk: tables for our own training, CSV for `open_clip_train`, the quarantine for people."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks import records
from tasks.download import names

SPLITS = ("train", "val", "test")
_OF_A_SPLIT = (".parquet", ".csv", "_questions.parquet", "_llava.json")
OUTPUTS = (*(f"{split}{kind}" for split in SPLITS for kind in _OF_A_SPLIT), "quarantine.parquet", "README.md",
           "croissant.json")  # fmt: skip
_WINDOW = re.compile(r"#(\d+),(\d+),(\d+),(\d+)\Z")


def clear(folder: Path) -> None:
    """Remove the outputs of an earlier run, so that a failing one leaves nothing that looks finished."""
    for name in OUTPUTS:
        (folder / name).unlink(missing_ok=True)


def quarantine(folder: Path, refused: Sequence[Mapping[str, Any]]) -> Path:
    """Write `quarantine.parquet` and return its path."""
    path = folder / "quarantine.parquet"
    records.write(path, refused, schema=records.QUARANTINE)
    return path


def check_paths(places: Mapping[str, Mapping[str, Any]], *, where: str) -> None:
    """Raise `ValueError` when one of `places` (by record id) would lie outside the folder, or two at one path."""
    names.check_all(map(filepath, places.values()), where=f"{where}: image paths")


def splits(folder: Path, passed: Sequence[Mapping[str, Any]]) -> None:
    """Write `<split>.parquet` (schema `records.TEXT`) and `<split>.csv` (`filepath,caption`), also where empty."""
    paths = {row["record_id"]: filepath(row) for row in passed}
    for split in SPLITS:
        rows = [row for row in passed if row["split"] == split]
        records.write(folder / f"{split}.parquet", rows, schema=records.TEXT)
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["filepath", "caption"])
            writer.writerows([paths[row["record_id"]], row["text"]] for row in rows)


def shown_as_stored(place: Mapping[str, Any]) -> bool:
    """Whether a plain image reader shows the stored bytes as they are meant: 8 bits, 0 black, 255 white, all bands.

    Pillow, and so open_clip, clips deeper images to white, knows no radiometry, and reads some TIFF only.
    """
    record_id: str = place["record_id"]
    return (
        not record_id.lower().endswith((".tif", ".tiff"))
        and place["bit_depth"] == 8
        and place["bands"] in (1, 3)
        and place["channels"] is None
        and set(place["low"]) == {0.0}
        and set(place["high"]) == {255.0}
    )


def filepath(place: Mapping[str, Any]) -> str:
    """Where the image lies as a loose file, `Image/<source>/<path>`, as in the published SAR-TEXT.

    A window `#x,y,w,h` of a larger image goes into the name: of `scene.jpg#0,256,64,64` it is
    `scene.jpg_0_256_64_64.png`, for download stores windows as PNG. An image that plain readers would not show as it
    is meant lies there as a picture, and gets `.png` behind its name.
    """
    record_id: str = place["record_id"]
    if window := _WINDOW.search(record_id):
        return f"Image/{record_id[: window.start()]}_{'_'.join(window.groups())}.png"
    return f"Image/{record_id}" if shown_as_stored(place) else f"Image/{record_id}.png"
