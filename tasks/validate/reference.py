"""Statistics of human captions, computed once from RSICD and RSITMD and kept in `reference_text.json`.

    SAR_TEXT_MIRROR=FOLDER python -m tasks.validate.reference

The folder holds `rs_captions_text/AMFMN/data/{rsicd,rsitmd}_precomp`: `train_caps.txt` and `test_caps.txt`, one caption
a line; `train_filename.txt` has a line an image of five captions, `test_filename.txt` a line a caption.
"""

import json
import os
from pathlib import Path
from typing import Any

from tasks.validate.statistics import REFERENCE, measure

SOURCE = (
    "Statistics only, no captions: of train and test together, from github.com/xiaoyuan1996/AMFMN "
    "@ 5a2f013dfd2542b6bfded5290ea58b30672c75aa, AMFMN/data; blank lines left out. Written by tasks.validate.reference"
)
SETS = {
    "rsicd": "RSICD: X. Lu et al., Exploring Models and Data for Remote Sensing Image Caption Generation, TGRS 2017",
    "rsitmd": "RSITMD: Z. Yuan et al., Exploring a Fine-Grained Multiscale Method for Cross-Modal Remote Sensing "
    "Image Retrieval, TGRS 2021",
}


def of_set(folder: Path) -> dict[str, Any]:
    """Statistics of the captions of both splits below `folder`.

    Raises `ValueError` when a file is missing or its lines do not fit those of the other.
    """
    texts: list[str] = []
    images: list[str] = []
    for split in ("train", "test"):
        captions = _lines(folder / f"{split}_caps.txt")
        names = _lines(folder / f"{split}_filename.txt")
        each, left = divmod(len(captions), len(names))
        if left:
            raise ValueError(f"{folder}: {len(captions)} {split} captions do not fit {len(names)} file names")
        for number, caption in enumerate(captions):
            if caption.strip():
                texts.append(caption)
                images.append(names[number // each])
    return measure(texts, images=images, detailed=[False] * len(texts))


def write(mirror: Path, path: Path) -> None:
    """Measure both sets below `mirror` and write them to `path` (JSON, sorted)."""
    data = mirror / "rs_captions_text" / "AMFMN" / "data"
    sets = {name: of_set(data / f"{name}_precomp") | {"citation": SETS[name]} for name in SETS}
    stored = {"source": SOURCE, "sets": sets}
    path.write_text(json.dumps(stored, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"{path} does not exist: point SAR_TEXT_MIRROR at the folder that holds rs_captions_text")
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    write(Path(os.environ["SAR_TEXT_MIRROR"]), Path(__file__).parent / REFERENCE)
