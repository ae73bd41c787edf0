"""Sen1Floods11's layout: `S1/*_S1Hand.tif` float32 dB of two bands, `Labels/*_LabelHand.tif` int16 of -1, 0 and 1."""

from pathlib import Path

import numpy as np
import tifffile

READER = {"image": r"S1/(?P<stem>.*)_S1Hand\.tif", "label": "Labels/{stem}_LabelHand.tif", "ignore": [-1]}
CLASSES = {"0": "land", "1": "water"}


def draw(root: Path) -> None:
    """Two chips of 24×16 px: the left third is no data, the middle land, the right water."""
    label = np.repeat(np.array([-1, 0, 1], dtype=np.int16), 8)[np.newaxis].repeat(16, axis=0)
    for number, stem in enumerate(("Spain_1", "Ghana_2")):
        (root / "S1").mkdir(parents=True, exist_ok=True)
        (root / "Labels").mkdir(exist_ok=True)
        backscatter_db = np.random.default_rng(number).normal(-12, 3, (2, 16, 24)).astype(np.float32)
        tifffile.imwrite(root / "S1" / f"{stem}_S1Hand.tif", backscatter_db)
        tifffile.imwrite(root / "Labels" / f"{stem}_LabelHand.tif", label)
