"""The folder layouts of real data sets, filled with simulated scenes: one `Layout` a world.

`draw` writes the image files of one scene and returns its line for the annotation files (it runs in worker processes);
`close` writes the annotation files from all lines, sorted by scene number.
"""

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from tasks.download.catalog import Simulation
from tasks.download.simulate import boxes, captions, optical, radar, shapes
from tasks.download.simulate.scene import Scene

Line = dict[str, Any]
AIRCRAFT_NAMES = {"a220": "A220", "a320_a321": "A320/321", "a330": "A330", "arj21": "ARJ21", "boeing737": "Boeing737",
                  "boeing787": "Boeing787", "other_aircraft": "other"}  # as SAR-AIRcraft-1.0 writes them  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How one world is written."""

    draw: Callable[[Scene, Simulation, Path], Line]
    close: Callable[[list[Line], Path], None]
    folders: tuple[str, ...]


def split_of(number: int) -> Literal["train", "val", "test"]:
    """Split of a scene, the same in each world: every fifth scene tests, every tenth validates."""
    return {0: "test", 5: "test", 1: "val"}.get(number % 10, "train")  # type: ignore[return-value]


def _sar(scene: Scene, settings: Simulation) -> Image.Image:
    return Image.fromarray(radar.render(scene, looks=settings.looks, bit_depth=settings.bit_depth))


def _save(image: Image.Image, path: Path, *, quality: int = 95) -> int:
    """Write an image with fixed encoder settings and say its size; more effort hardly makes speckle smaller."""
    buffer = io.BytesIO()
    match path.suffix:
        case ".jpg":
            image.save(buffer, "JPEG", quality=quality)
        case ".png":
            image.save(buffer, "PNG", compress_level=1)
        case ".tif":
            image.save(buffer, "TIFF", compression="tiff_adobe_deflate" if image.mode == "L" else None)
        case _:
            raise AssertionError(path.suffix)
    return path.write_bytes(buffer.getvalue())


def _json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


# ships: HRSID, COCO with polygons


def _draw_ships(scene: Scene, settings: Simulation, folder: Path) -> Line:
    side = settings.size_px
    name = f"P{scene.number:04d}_0_{side}_0_{side}.jpg"  # HRSID: scene, then the window in it
    size = _save(_sar(scene, settings), folder / "JPEGImages" / name)
    objects = [
        {"segmentation": [np.round(note.outline, 2).ravel().tolist()], "area": round(_area(note.outline), 2),
         "iscrowd": 0, "bbox": list(note.bounds), "category_id": 1}
        for note in boxes.annotations(scene) if note.thing.kind == "ship"
    ]  # fmt: skip
    return {"number": scene.number, "file_name": name, "width": side, "height": side, "objects": objects, "bytes": size}


def _close_ships(lines: list[Line], folder: Path) -> None:
    parts = {"train2017": [line for line in lines if split_of(line["number"]) != "test"],
             "test2017": [line for line in lines if split_of(line["number"]) == "test"]}  # fmt: skip
    for part, chosen in parts.items():
        images: list[Line] = []
        notes: list[Line] = []
        for image_id, line in enumerate(chosen):
            images.append({"id": image_id, **{key: line[key] for key in ("file_name", "width", "height")}})
            notes += [{"id": len(notes) + index, "image_id": image_id, **entry}
                      for index, entry in enumerate(line["objects"])]  # fmt: skip
        _json(folder / "annotations" / f"{part}.json",
              {"images": images, "annotations": notes,
               "categories": [{"supercategory": "ship", "id": 1, "name": "ship"}]})  # fmt: skip


def _area(polygon: shapes.Polygon) -> float:
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2


# aircraft: SAR-AIRcraft-1.0, Pascal VOC


def _draw_aircraft(scene: Scene, settings: Simulation, folder: Path) -> Line:
    stem = f"{scene.number:07d}"
    written = _save(_sar(scene, settings), folder / "JPEGImages" / f"{stem}.jpg")
    root = ET.Element("annotation")
    ET.SubElement(root, "filename").text = f"{stem}.jpg"
    size = ET.SubElement(root, "size")
    for key, value in (("width", settings.size_px), ("height", settings.size_px), ("depth", 1)):
        ET.SubElement(size, key).text = str(value)
    for note in boxes.annotations(scene):
        if note.thing.kind != "aircraft":
            continue
        element = ET.SubElement(root, "object")
        ET.SubElement(element, "name").text = AIRCRAFT_NAMES[note.thing.look]
        x, y, w, h = note.bounds
        # VOC counts from 1 and both edges belong to the object: the px that the body touches.
        edges = (int(x) + 1, int(y) + 1, int(np.ceil(x + w)), int(np.ceil(y + h)))
        box = ET.SubElement(element, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True):
            ET.SubElement(box, key).text = str(value)
    ET.indent(root)
    (folder / "Annotations" / f"{stem}.xml").write_bytes(ET.tostring(root, encoding="utf-8"))
    return {"number": scene.number, "stem": stem, "bytes": written}


def _close_aircraft(lines: list[Line], folder: Path) -> None:
    for part in ("train", "val", "test"):
        stems = [line["stem"] for line in lines if split_of(line["number"]) == part]
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("".join(f"{stem}\n" for stem in stems))


# landcover: OpenEarthMap-SAR, index masks


def _draw_landcover(scene: Scene, settings: Simulation, folder: Path) -> Line:
    name = f"simulated_{scene.number}.tif"
    size = _save(_sar(scene, settings), folder / "train" / "sar_images" / name)
    size += _save(Image.fromarray(scene.mask()), folder / "train" / "labels" / name)
    return {"number": scene.number, "bytes": size}


def _close_nothing(lines: Sequence[Line], folder: Path) -> None:
    """The files say it all."""


# pairs: QXS-SAROPT, with the scene's description


def _draw_pairs(scene: Scene, settings: Simulation, folder: Path) -> Line:
    name = f"{scene.number}.png"
    size = _save(_sar(scene, settings), folder / "sar_256_oc_0.2" / name)
    size += _save(Image.fromarray(optical.render(scene)), folder / "opt_256_oc_0.2" / name)
    size += _save(Image.fromarray(scene.mask()), folder / "masks" / name)
    objects = []
    for note in boxes.annotations(scene):
        x, y, w, h, angle = note.rotated
        objects.append({"class": note.thing.kind, "x": x, "y": y, "w": w, "h": h, "angle_deg": angle})
    return {"number": scene.number, "pair": str(scene.number), "boxes": objects, "bytes": size}


def _close_pairs(lines: list[Line], folder: Path) -> None:
    text = "".join(json.dumps({"pair": line["pair"], "boxes": line["boxes"]}) + "\n" for line in lines)
    (folder / "scenes.jsonl").write_text(text, encoding="utf-8")


# bare: images alone


def _draw_bare(scene: Scene, settings: Simulation, folder: Path) -> Line:
    size = _save(_sar(scene, settings), folder / "images" / f"{scene.number}.png")
    return {"number": scene.number, "bytes": size}


# optical: RSICD, caption text


def _draw_optical(scene: Scene, settings: Simulation, folder: Path) -> Line:
    name = f"{scene.theme}_{scene.number}.jpg"
    size = _save(Image.fromarray(optical.render(scene)), folder / "RSICD_images" / name, quality=90)
    return {"number": scene.number, "file_name": name, "captions": captions.write(scene), "bytes": size}


def _close_optical(lines: list[Line], folder: Path) -> None:
    """As RSICD is handed round: in train one name an image, in test one name a caption."""
    for part, repeat in (("train", 1), ("test", captions.CAPTIONS_AN_IMAGE)):
        chosen = [line for line in lines if (split_of(line["number"]) == "test") == (part == "test")]
        names = [line["file_name"] for line in chosen for _ in range(repeat)]
        texts = [caption for line in chosen for caption in line["captions"]]
        (folder / f"{part}_filename.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        (folder / f"{part}_caps.txt").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


LAYOUTS = {
    "ships": Layout(_draw_ships, _close_ships, ("JPEGImages", "annotations")),
    "aircraft": Layout(_draw_aircraft, _close_aircraft, ("JPEGImages", "Annotations", "ImageSets/Main")),
    "landcover": Layout(_draw_landcover, _close_nothing, ("train/sar_images", "train/labels")),
    "pairs": Layout(_draw_pairs, _close_pairs, ("sar_256_oc_0.2", "opt_256_oc_0.2", "masks")),
    "bare": Layout(_draw_bare, _close_nothing, ("images",)),
    "optical": Layout(_draw_optical, _close_optical, ("RSICD_images",)),
}
