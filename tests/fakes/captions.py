"""RSICD in two forms: `_caps.txt` with `_filename.txt` (train: one an image, test: one a caption); Karpathy's."""

import json
from pathlib import Path

from fakes.drawing import save, speckle

READER = {"captions": "text", "images": "images"}
TRAIN, TEST = ("airport_1.jpg", "airport_10.jpg"), ("beach_7.jpg", "airport_2.jpg")


def sentences(name: str) -> list[str]:
    """Five captions of `name`; the fourth holds a line separator and a form feed, which end no line."""
    return [
        f"{name} from above .",
        "",
        "some planes .",
        "a\u2028long\x0ccaption",
        "many  planes are parked .",
    ]


def draw_text(root: Path) -> None:
    """Four images of 12×12 px and their text files; the test set's names are mixed, as nothing forbids."""
    text = root / "text"
    text.mkdir(parents=True)
    (text / "train_filename.txt").write_text("".join(f"{name}\n" for name in TRAIN))
    lines = [caption for name in TRAIN for caption in sentences(name)]
    (text / "train_caps.txt").write_text("".join(f"{line}\n" for line in lines))
    rows = [(name, caption) for both in zip(*(sentences(name) for name in TEST), strict=True)
            for name, caption in zip(TEST, both, strict=True)]  # fmt: skip
    (text / "test_filename.txt").write_text("".join(f"{name}\n" for name, _ in rows))
    (text / "test_caps.txt").write_text("".join(f"{caption}\n" for _, caption in rows))
    _images(root)


def draw_karpathy(root: Path) -> None:
    """The same images with one JSON."""
    splits = zip((*TRAIN, *TEST), ("train", "restval", "test", "val"), strict=True)
    images = [
        {"filename": name, "split": split, "sentences": [{"raw": raw} for raw in sentences(name)]}
        for name, split in splits
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset_rsicd.json").write_text(json.dumps({"images": images, "dataset": "rsicd"}))
    _images(root)


def _images(root: Path) -> None:
    for number, name in enumerate((*TRAIN, *TEST)):
        save(root / "images" / name, speckle(12, 12, seed=number))
