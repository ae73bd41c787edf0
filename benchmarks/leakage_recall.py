"""What the leak guard finds in real radar images: python -m benchmarks.leakage_recall, with SAR_TEXT_MIRROR set.

Crops of every share of the area are cut from real images, resized 0.5 to 2 times, turned or mirrored, stored as JPEG of
quality 75 to 95, and searched by `overlaps.find` as the gate does, among crops of all the others. Prints the tables of
docs/leakage.md. Not part of `make bench`: it needs the images, and some minutes.
"""

import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sar_models.images import open_picture
from tasks.download.features import features
from tasks.validate import overlaps
from tasks.validate.matching import Collection, candidates
from tasks.validate.registration import register

LEAST = 20  # crops of which a share says something
SHARES, DRAWS, PATCH_PX = (1.0, 0.8, 0.6, 0.4, 0.2), 2, 500
SETS = {
    "HRSID, 800 px": ("hrsid_minitest/**/images/*.jpg", 800, 36),
    "MSTAR scenes, 490 px": ("mstar_scenes_voc/**/JPEGImages/*.jpg", 600, 1),  # many share their clutter
    "Sentinel-1, floods": ("flood_s1_cems/**/EMSR795_AOI06/PRE_S1/VV_pre/*.png", PATCH_PX, 24),
    "Sentinel-1, S1S2": ("s1s2_pairs_volkov/**/sar/*.png", PATCH_PX, 30),
}
Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Print both tables."""
    mirror = os.environ.get("SAR_TEXT_MIRROR")
    if not mirror:
        raise SystemExit("set SAR_TEXT_MIRROR to the folder with the real images (docs/operations.md)")
    rng = np.random.default_rng(5)
    originals = [(name, picture) for name, of in SETS.items() for picture in pictures(Path(mirror), *of)]
    images = [_image(f"t/{n:04}", "test", picture) for n, (_, picture) in enumerate(originals)]
    made: dict[str, tuple[str, str, float, float, int, int]] = {}
    for n, (name, picture) in enumerate(originals):
        for share in SHARES:
            for draw in range(DRAWS):
                scale, quality, turn = float(2 ** rng.uniform(-1, 1)), int(rng.integers(75, 96)), int(rng.integers(8))
                record_id = f"c/{n:04}_{share}_{draw}"
                changed = _changed(_crop(picture, share, rng), scale=scale, turn=turn, quality=quality)
                images.append(_image(record_id, "train", changed))
                made[record_id] = (f"t/{n:04}", name, share, scale, quality, turn)
    found = overlaps.find(images, picture=lambda row: row["pixels"])
    right = {key for key, of in made.items() if f" is in {of[0]} " in found.overlaps.get(key, "")}
    _tables(made, right)
    wrong = found.overlaps.keys() - right
    print(f"\nother pairs named: {len(wrong)} (neighbours of one scene are true): {sorted(wrong)[:10]}")
    _dates(Path(mirror))


def pictures(mirror: Path, pattern: str, size_px: int, most: int) -> Iterator[Picture]:
    """Patches of the images, (`size_px`, `size_px`, 1) or smaller images whole, without those that are mostly empty."""
    given = 0
    for path in sorted(mirror.glob(pattern)):
        picture = open_picture(path)[..., :1]
        for y in range(0, max(1, picture.shape[0] - size_px + 1), size_px):
            for x in range(0, max(1, picture.shape[1] - size_px + 1), size_px):
                patch = picture[y : y + size_px, x : x + size_px]
                if given < most and (patch == 0).mean() < 0.2:
                    given += 1
                    yield patch


def _image(record_id: str, split: str, picture: Picture) -> dict[str, Any]:
    return {"record_id": record_id, "split": split, "pixels": picture, "landmarks": features(picture)["landmarks"]}


def _crop(picture: Picture, share: float, rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    tall = min(height, int(height * np.sqrt(share * np.exp(rng.uniform(-0.2, 0.2)))))
    wide = min(width, int(share * height * width / tall))
    y, x = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    return picture[y : y + tall, x : x + wide]


def _changed(picture: Picture, *, scale: float, turn: int, quality: int) -> Picture:
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    pixels = np.asarray(Image.fromarray(picture[..., 0]).resize(size, Image.Resampling.BICUBIC))
    pixels = pixels[:: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.T if turn & 4 else pixels)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))[..., np.newaxis]


def _tables(made: dict[str, tuple[str, str, float, float, int, int]], right: set[str]) -> None:
    kinds: dict[str, Any] = {
        "set, share of the area": lambda of: f"{of[1]} · {of[2]:.0%}",
        "resized (share ≥ 40 %)": lambda of: f"{0.5 * 2 ** (int(2 * np.log2(of[3] / 0.5)) / 2):.2f} and up",
        "JPEG quality (share ≥ 40 %)": lambda of: "95" if of[4] == 95 else f"{of[4] // 5 * 5} to {of[4] // 5 * 5 + 4}",
        "turn (share ≥ 40 %)": lambda of: overlaps.TURNS[of[5]] or "none",
        "all, share ≥ 40 %": lambda of: "all",
    }
    for title, key in kinds.items():
        kept = {name: of for name, of in made.items() if of[2] >= 0.4 or title.startswith("set")}
        total, hit = Counter(key(of) for of in kept.values()), Counter(key(of) for n, of in kept.items() if n in right)
        print(f"\n| {title} | crops | recall |\n|---|---|---|")
        for name in total if title.startswith("set") else sorted(total):
            recall = f"{hit[name] / total[name]:.3f}" if total[name] >= LEAST else "too few"
            print(f"| {name} | {total[name]} | {recall} |")


def _dates(mirror: Path) -> None:
    """The floods before and after: the same place, another date."""
    before = sorted(mirror.glob("flood_s1_cems/**/EMSR795_AOI06/PRE_S1/V*_pre/*.png"))
    images = []
    for path in before:
        after = Path(str(path).replace("PRE_S1", "POST_S1").replace("_pre", "_post"))
        for split, file in (("test", path), ("train", after)):
            picture = open_picture(file)[..., :1]
            for n, corner in enumerate([(y, x) for y in range(0, 2000, 500) for x in range(0, 2000, 500)]):
                patch = picture[corner[0] : corner[0] + 500, corner[1] : corner[1] + 500]
                if (patch == 0).mean() < 0.1:
                    images.append(_image(f"{split}/{path.parent.name}/{path.stem}/{n}", split, patch))
    ranks = [2 if image["split"] == "test" else 0 for image in images]
    kinds: Counter[str] = Counter()
    for candidate in candidates(Collection.of([image["landmarks"] for image in images], ranks=ranks)):
        one, two = images[candidate.copy], images[candidate.other]
        registered = register(one["pixels"], two["pixels"], candidate.placement)
        kinds[registered.kind if registered else "nothing"] += 1
    print(f"\nanother date: {ranks.count(2)} places before, {ranks.count(0)} after; candidates judged: {dict(kinds)}")


if __name__ == "__main__":
    main()
