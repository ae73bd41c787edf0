"""Different scenes that the leak guard takes for one: python -m benchmarks.leakage_different, with SAR_TEXT_MIRROR set.

Every image of each set is compared with every image of all other sets, as matching and registration of the gate do it;
no two sets show the same place, so that whatever is named is false. Simulated scenes, with speckle of one look and of
four, are a set for each world. Prints what docs/leakage.md says. Takes some minutes.
"""

import os
import time
from collections import Counter
from itertools import combinations
from pathlib import Path

from benchmarks.leakage_crowd import WORLDS, simulated
from benchmarks.leakage_recall import pictures as patches
from tasks.download.features import features
from tasks.validate.matching import Collection, candidates
from tasks.validate.registration import register

ALL = 100_000  # images of a set, at most
SETS = {  # name → pattern, side of the patches in px
    "aircraft chips": ("sar_acd_aircraft/images/*/*.jpg", 4_096),
    "vehicle chips": ("mstar10_chips/**/*.jpeg", 4_096),
    "HRSID": ("hrsid_minitest/**/images/*.jpg", 400),
    "Sentinel-1, floods": ("flood_s1_cems/**/EMSR795_AOI06/PRE_S1/VV_pre/*.png", 256),
    "Sentinel-1, S1S2": ("s1s2_pairs_volkov/**/sar/*.png", 256),
}
SIMULATED = 350  # scenes of each world


def main() -> None:
    """Print how many comparisons there were, and what was named."""
    mirror = os.environ.get("SAR_TEXT_MIRROR")
    if not mirror:
        raise SystemExit("set SAR_TEXT_MIRROR to the folder with the real images (docs/operations.md)")
    sets = {name: list(patches(Path(mirror), pattern, side_px, ALL)) for name, (pattern, side_px) in SETS.items()}
    for seed, world in enumerate(WORLDS, 11):  # with one seed, equal numbers are one place in each world
        sets[f"simulated, {world}"] = [
            simulated(number, world, seed=seed, looks=(1, 4)[number % 2]) for number in range(SIMULATED)
        ]
    pictures = [(name, picture) for name, of in sets.items() for picture in of]
    rank = {name: number for number, name in enumerate(sets)}
    began_s = time.perf_counter()
    landmarks = [features(picture)["landmarks"] for _, picture in pictures]
    collection = Collection.of(landmarks, ranks=[rank[name] for name, _ in pictures])
    named: Counter[str] = Counter()
    proposed = candidates(collection)
    for candidate in proposed:
        one, two = pictures[candidate.copy], pictures[candidate.other]
        registered = register(one[1], two[1], candidate.placement)
        if registered:
            named[f"{registered.kind}: {one[0]} and {two[0]}"] += 1
    compared = sum(len(one) * len(two) for one, two in combinations(sets.values(), 2))
    print(f"images: {', '.join(f'{len(of):,} of {name}' for name, of in sets.items())}")
    print(f"{compared:,} comparisons: {len(proposed)} candidates, named {dict(named) or 'none'}, "
          f"{time.perf_counter() - began_s:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
