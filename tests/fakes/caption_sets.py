"""The caption sets of the optical stage, each with its own names: Karpathy JSON, NWPU-Captions' JSON, HQRS' CSV."""

import csv
import json
from pathlib import Path

from fakes.captions import sentences
from fakes.drawing import save, speckle


def draw_karpathy(root: Path, *, file: str, images: str, names: tuple[str, ...]) -> None:
    """Three images of 12×12 px in the splits train, val and test, five sentences each, one of them blank."""
    entries = [
        {"imgid": number, "filename": name, "split": split, "sentences": [{"raw": raw} for raw in sentences(name)]}
        for number, (name, split) in enumerate(zip(names, ("train", "val", "test"), strict=True))
    ]
    for number, name in enumerate(names):
        save(root / images / name, speckle(12, 12, seed=number))
    (root / file).write_text(json.dumps({"images": entries, "dataset": root.name}))


def draw_nwpu(root: Path) -> None:
    """Two scene classes of which each has an image of the name `area_001.jpg`, and a third image."""
    scenes = {
        "airplane": [("area_001.jpg", "train"), ("area_002.jpg", "test")],
        "dense_residential": [("area_001.jpg", "val")],
    }
    content = {}
    for scene, entries in scenes.items():
        content[scene] = []
        for name, split in entries:
            save(root / "NWPU_images" / scene / name, speckle(16, 16, seed=len(name) + len(scene)))
            keys = ["raw", *(f"raw_{number}" for number in range(1, 5))]
            texts = dict(zip(keys, (f"{scene} {number} ." for number in range(5)), strict=True))
            content[scene].append({"filename": name, "split": split, "imgid": 0} | texts)
    (root / "dataset_nwpu.json").write_text(json.dumps(content))


HQRS = {
    "Image/RSD46/airport_1.jpg": ['A runway, seen from above.\nTwo "jets" park.', "Planes in rows."],
    "Image/fMoW/airport_1.jpg": ["A small airport.", "  "],
}


def draw_hqrs(root: Path) -> None:
    """Two images of one name in two folders; captions with commas, quotes and a line end, rows of the two mixed."""
    for number, path in enumerate(HQRS):
        save(root / path, speckle(16, 16, seed=number))
    with (root / "captions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["filepath", "caption"])
        writer.writerows((path, captions[place]) for place in (0, 1) for path, captions in HQRS.items())
