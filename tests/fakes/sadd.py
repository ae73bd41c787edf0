"""SADD: images of 224×224 px and YOLO text, many of them empty."""

from pathlib import Path

from fakes.drawing import save, speckle

LABELS = {
    "img1": "0 0.5 0.25 0.25 0.125\n0 0.9375 0.5 0.25 0.25\n",  # the second runs past the right edge
    "img2": "",  # an empty annotation
    "img3": None,  # none
}


def draw(root: Path) -> None:
    """Three images: two aircraft, an empty annotation, and no annotation."""
    for number, (stem, text) in enumerate(LABELS.items()):
        save(root / "images" / f"{stem}.jpg", speckle(224, 224, seed=number))
        if text is not None:
            (root / "labels").mkdir(exist_ok=True)
            (root / "labels" / f"{stem}.txt").write_text(text)
