"""SIVED: rotated boxes twice, as corners (`ImageSets/labelTxt`, DOTA) and as angles (`Annotations`, `rbndbox`)."""

import math
import zipfile
from pathlib import Path

from fakes.annotations import write_voc
from fakes.drawing import save, speckle

# cx, cy, w, h in px and the angle of w in degrees, clockwise
IMAGES = {
    "train": {"FARAD_1": [(30.0, 20.0, 12.0, 6.0, 30.0), (10.0, 36.0, 10.0, 4.0, -45.0)]},
    "valid": {"MiniSAR_2": [(62.0, 24.0, 14.0, 6.0, 60.0)]},  # crosses the right edge
    "test": {"MSTAR_3": []},
}


def draw(root: Path) -> None:
    """Three images of 64×48 px; `filename` in the XML holds the .xml name, the text has DOTA's header lines."""
    for split, images in IMAGES.items():
        for number, (stem, boxes) in enumerate(images.items()):
            save(root / "ImageSets" / "images" / split / f"{stem}.jpg", speckle(64, 48, seed=number))
            lines = ["imagesource:SIVED", "gsd:null", *(f"{_corners(*box)} vehicle 0" for box in boxes)]
            text = root / "ImageSets" / "labelTxt" / split / f"{stem}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text("".join(f"{line}\n" for line in lines))
            write_voc(root / "Annotations" / f"{stem}.xml", [_rbndbox(*box) for box in boxes], width=64, height=48)


def pack(root: Path, archive: Path) -> None:
    """The archive as published: everything in one folder `SIVED`."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                file.writestr(f"SIVED/{path.relative_to(root).as_posix()}", path.read_bytes())


def _corners(cx: float, cy: float, w: float, h: float, angle_deg: float) -> str:
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    places = [
        (cx + u * w / 2 * cosine - v * h / 2 * sine, cy + u * w / 2 * sine + v * h / 2 * cosine)
        for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    return " ".join(f"{x:.4f} {y:.4f}" for x, y in places)


def _rbndbox(cx: float, cy: float, w: float, h: float, angle_deg: float) -> str:
    values = zip(("cx", "cy", "w", "h", "angle"), (cx, cy, w, h, angle_deg), strict=True)
    return f"<name>vehicle</name><rbndbox>{''.join(f'<{tag}>{value}</{tag}>' for tag, value in values)}</rbndbox>"
