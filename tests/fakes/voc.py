"""SAR-AIRcraft's layout: `JPEGImages`, `Annotations`, `ImageSets/Main`; `filename` holds the .xml name, as in SIVED."""

from pathlib import Path

from fakes.drawing import save, speckle

SETS = {"ImageSets/Main/train.txt": "train", "ImageSets/Main/val.txt": "val", "ImageSets/Main/test.txt": "test"}
CLASSES = {"A220": "a220", "other": "other_aircraft", "Boeing737": "boeing737"}


def draw(root: Path) -> None:
    """Three images of 60×40 px; the lists name a fourth, as those of a published subset do."""
    annotate(root, "0000001", [("A220", 1, 1, 10, 20)])
    annotate(root, "0000002", [("other", 51, 31, 66, 47), ("Boeing737", 5, 6, 7, 8)])  # the first runs past the corner
    annotate(root, "0000003", [])
    for place, names in zip(SETS, (["0000001"], ["0000002 1"], ["0000003", "0000004"]), strict=True):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("".join(f"{name}\n" for name in names))


def annotate(root: Path, stem: str, objects: list[tuple[str, float, float, float, float]], *, width: int = 60) -> None:
    """Write an image and its XML; every object is marked difficult."""
    save(root / "JPEGImages" / f"{stem}.jpg", speckle(60, 40, seed=int(stem)))
    entries = "".join(
        f"<object><name>{name}</name><difficult>1</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in objects
    )
    xml = root / "Annotations" / f"{stem}.xml"
    xml.parent.mkdir(exist_ok=True)
    size = f"<size><width>{width}</width><height>40</height><depth>1</depth></size>"
    xml.write_text(f"<annotation><filename>{stem}.xml</filename>{size}{entries}</annotation>")
