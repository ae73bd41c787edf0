"""Crops of real radar images found among 136,000 images: python -m benchmarks.leakage_crowd, with SAR_TEXT_MIRROR set.

The more images, the more landmarks agree by chance, and those of crowded buckets are passed over. So crops of every
second HRSID image are planted among images whose landmarks are drawn from simulated ones and from all other real ones
(bits changed by a tenth, places random), and it is counted of how many matching proposes the original: that is before
registration, as those others have no pixels. Prints a table of docs/leakage.md. Takes some minutes and 4 GiB.
"""

import os
import resource
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import leakage, leakage_recall
from tasks.download.features import features
from tasks.download.landmarks import LANDMARK
from tasks.download.simulate import radar
from tasks.download.simulate.scene import scene
from tasks.validate.matching import Collection, candidates

IMAGES, SIMULATED = 136_000, 60  # of each world
WORLDS = ("pairs", "ships", "landcover", "aircraft")
CHANGES = (
    (0.4, 1.0, 75),
    (0.4, 0.5, 75),
    (0.4, 0.7, 75),
    (0.4, 1.4, 85),
    (0.4, 2.0, 75),
    (0.7, 0.6, 80),
    (0.2, 1.0, 85),
)
DRAWS = 2  # of each change and image, in different places and turns
Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Print how many crops are found, for each kind of change."""
    mirror = os.environ.get("SAR_TEXT_MIRROR")
    if not mirror:
        raise SystemExit("set SAR_TEXT_MIRROR to the folder with the real images (docs/operations.md)")
    rng = np.random.default_rng(17)
    real = {name: list(leakage_recall.pictures(Path(mirror), *of)) for name, of in leakage_recall.SETS.items()}
    originals = real.pop("HRSID, 800 px")
    planted, others = originals[1::2], originals[::2]
    pool = [_landmarks(picture) for picture in (*_simulated(), *others, *(one for of in real.values() for one in of))]
    crowd, _ = leakage._collection(IMAGES, np.concatenate(pool))
    crops = [
        (number, change, _landmarks(_crop(picture, change, rng)))
        for change in CHANGES for number, picture in enumerate(planted) for _ in range(DRAWS)
    ]  # fmt: skip
    whole = [crowd.landmarks, *map(_landmarks, planted), *(of for *_, of in crops)]
    ends = np.cumsum([len(of) for of in whole])
    collection = Collection(
        np.concatenate(whole),
        np.concatenate([crowd.first, ends[1:]]),
        np.concatenate([crowd.ranks, np.repeat([2, 0], [len(planted), len(crops)])]).astype(np.int8),
    )
    clock, start = time.perf_counter(), time.process_time()
    proposed = {(candidate.copy, candidate.other) for candidate in candidates(collection)}
    took = f"{time.perf_counter() - clock:.0f} s by the clock, {time.process_time() - start:.0f} s of the processor"
    print(f"{len(collection.landmarks):,} landmarks: {took}, {len(proposed):,} candidates, peak "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n")  # fmt: skip
    print(f"| crop | found of {DRAWS * len(planted)} |\n|---|---|")
    for share, scale, quality in CHANGES:
        found = sum(
            (IMAGES + len(planted) + at, IMAGES + number) in proposed
            for at, (number, change, _) in enumerate(crops) if change == (share, scale, quality)
        )  # fmt: skip
        print(f"| {share:.0%}, {scale:g} times the size, JPEG {quality} | {found} |")


def _simulated() -> list[Picture]:
    places = [(number, world) for number in range(SIMULATED) for world in WORLDS]
    return [simulated(number, world, seed=3, looks=(1, 4)[at % 2]) for at, (number, world) in enumerate(places)]


def simulated(number: int, world: str, *, seed: int, looks: int) -> Picture:
    """A scene of 256 px, 8 bits, with speckle of so many looks."""
    pixels = radar.render(scene(number, world=world, seed=seed, size_px=256), looks=looks, bit_depth=8)
    return np.asarray(pixels, dtype=np.uint8)[..., np.newaxis]


def _crop(picture: Picture, change: tuple[float, float, int], rng: np.random.Generator) -> Picture:
    share, scale, quality = change
    crop = leakage_recall._crop(picture, share, rng)
    return leakage_recall._changed(crop, scale=scale, turn=int(rng.integers(8)), quality=quality)


def _landmarks(picture: Picture) -> npt.NDArray[np.void]:
    return np.frombuffer(features(picture)["landmarks"], dtype=LANDMARK)


if __name__ == "__main__":
    main()
