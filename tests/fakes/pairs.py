"""QXS-SAROPT (two folders, equal numbers) with a scene description, SEN1-2 (season, scene, patch), OSdataset."""

import json
from pathlib import Path

import numpy as np
from fakes.drawing import save, speckle

QXS = {"sar": r"sar_256_oc_0\.2/(?P<stem>\d+)\.png", "optical": r"opt_256_oc_0\.2/(?P<stem>\d+)\.png"}
SEN12 = {
    "sar": r"(?P<season>ROIs\d+_[a-z]+)/s1_(?P<scene>\d+)/ROIs\d+_[a-z]+_s1_\d+_p(?P<patch>\d+)\.png",
    "optical": r"(?P<season>ROIs\d+_[a-z]+)/s2_(?P<scene>\d+)/ROIs\d+_[a-z]+_s2_\d+_p(?P<patch>\d+)\.png",
}
CLASSES = {"ship": "ship", "1": "land", "2": "water"}


def draw_qxs(root: Path) -> None:
    """Pairs 2 and 10 of 16×12 px with boxes and masks; the left half is land, the right half water."""
    mask = np.ones((12, 16), dtype=np.uint8)
    mask[:, 8:] = 2
    lines = []
    for number in (2, 10):
        grey = speckle(16, 12, seed=number)
        save(root / "sar_256_oc_0.2" / f"{number}.png", grey)
        save(root / "opt_256_oc_0.2" / f"{number}.png", np.stack([grey, grey // 2, grey // 3], axis=2))
        save(root / "masks" / f"{number}.png", mask)
        ship = {"class": "ship", "x": 9, "y": number, "w": 4, "h": 2, "angle_deg": 30.0}
        lines.append(json.dumps({"pair": str(number), "boxes": [ship] if number == 2 else []}))
    (root / "boxes.jsonl").write_text("".join(f"{line}\n" for line in lines))


def draw_sen12(root: Path) -> None:
    """Two patches of one scene, one of the same number of another season."""
    for season, scene, patch in (("ROIs1158_spring", 10, 124), ("ROIs1158_spring", 10, 7), ("ROIs1868_summer", 10, 7)):
        for sensor in ("s1", "s2"):
            name = f"{season}_{sensor}_{scene}_p{patch}.png"
            save(root / season / f"{sensor}_{scene}" / name, speckle(8, 8, seed=patch))


def draw_osdataset(root: Path) -> None:
    """Pairs sar1 and opt1 in two folders, so that names repeat."""
    for seed, split in enumerate(("train", "test")):
        for kind in ("sar", "opt"):
            save(root / split / f"{kind}1.png", speckle(16, 16, seed=seed))
