"""The metrics along an axis: SAR test images made worse level by level, and groups of the clean test images.

A worse image is the stored one with more speckle, noise, another gain or fewer pixels, before it is resized for the
model. `slice_images` SAR images of all sources, the sources in turn, are the set `sar/sample`; retrieval is among them
alone, and their `clean` level is what to compare with. Groups are of the queries: what these are ranked among is the
whole test set.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models import corrupt, pixels
from sar_models.augment import range_db
from sar_models.metrics import retrieval
from sar_models.metrics.bootstrap import Interval, Statistic, intervals
from tasks import paths, records
from tasks.evaluate import samples
from tasks.evaluate.embeddings import Embedder
from tasks.evaluate.predict import Pictures
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.params import Evaluate

SET, CLEAN = "sar/sample", "clean"
LEVELS: dict[corrupt.Kind, dict[str, float | None]] = {  # axis → level as it is written → its value; none: as it is
    "speckle_looks": {CLEAN: None, "16": 16, "4": 4, "1": 1},
    "noise_db": {CLEAN: None, "-10": -10, "0": 0},
    "gain_db": {"-6": -6, "-3": -3, CLEAN: None, "+3": 3, "+6": 6},
    "resolution": {CLEAN: None, "1/2": 2, "1/4": 4, "1/8": 8},
}
METRICS = ("mean_recall", "i2t_r1", "t2i_r1", "cider")
LEAST_IMAGES = 10  # of a group that is told
OBJECTS = {"0": 0, "1": 1, "2-4": 4, "5-9": 9, "10 or more": float("inf")}  # level → most objects of an image
SIDES = {"below 16 px": 16, "16-31 px": 32, "32-63 px": 64, "64 px or more": float("inf")}  # level → above all sides


Of = dict[str, dict[str, dict[str, dict[str, Interval]]]]  # axis → test set → level → metric → interval


def corrupted(
    pool: TestPool,
    pictures: Pictures,
    embedder: Embedder,
    *,
    texts: NDArray[np.float32],
    rows: Sequence[NDArray[np.int64]],
    settings: Evaluate,
) -> Of:
    """How one model does on worse images of the SAR text. `texts` are its embeddings of the distinct texts, `rows` each
    image's captions among them."""
    chosen = samples.choose(pool, settings.slice_images, seed=settings.seed)
    if not chosen:
        return {}
    captions = [text for image in chosen for text in pool.captions[image]]
    owner = np.repeat(np.arange(len(chosen)), [len(pool.captions[image]) for image in chosen])
    own = texts[np.concatenate([rows[image] for image in chosen])]
    places = [pictures.places[image] for image in chosen]
    size_px = embedder.model.image_size_px

    def measured(how: str, shown: Callable[[], Sequence[NDArray[np.uint8]]]) -> dict[str, Interval]:
        images = embedder.images(places, shown, how=how)
        found = retrieval.statistics(retrieval.ranks(images, own, image_of_text=owner, captions=captions))
        return _intervals(found, settings=settings)

    clean = measured("", lambda: [pictures.at(size_px)[image] for image in chosen])
    table: Of = {}
    for axis, levels in LEVELS.items():
        table[axis] = {SET: {}}
        for level, value in levels.items():
            if value is None:
                table[axis][SET][level] = clean
                continue
            worse = partial(_worse, pool, pictures, chosen, axis, level, value, size_px=size_px, seed=settings.seed)
            table[axis][SET][level] = measured(f"{axis} {level} {settings.seed}", worse)
    return table


def _worse(
    pool: TestPool, pictures: Pictures, chosen: Sequence[int], axis: corrupt.Kind, level: str, value: float, *,
    size_px: int, seed: int,
) -> list[NDArray[np.uint8]]:  # fmt: skip
    """The chosen pictures (1 or 3, size_px, size_px) at one level of an axis."""
    shown = []
    for image in chosen:
        place = pool.images[image]
        drawn = _generator(seed, place["record_id"], axis, level)
        made = corrupt.corrupted(pictures.full(image), axis, value, range_db=range_db(place), generator=drawn)
        shown.append(pixels.resize(made, size_px=size_px))
    return shown


def groups(test_set: TestSet, pool: TestPool) -> dict[str, dict[str, list[int]]]:
    """Axis → level → positions within the test set, of at least `LEAST_IMAGES` images each.

    objects      how many the annotation has, where it has boxes
    object_size  the median over an image's objects of the square root of their area
    source, route  of the image; the routes of all its captions
    """
    boxes = _boxes(test_set, pool)
    found: dict[str, dict[str, list[int]]] = {
        "objects": {level: [] for level in OBJECTS},
        "object_size": {level: [] for level in SIDES},
        "source": {},
        "route": {},
    }
    for position, image in enumerate(test_set.images):
        place = pool.images[image]
        found["source"].setdefault(place["source"], []).append(position)
        found["route"].setdefault(" + ".join(sorted(set(pool.routes[image]))), []).append(position)
        annotated = boxes[place["record_id"]]
        if annotated is None:
            continue
        found["objects"][next(level for level, most in OBJECTS.items() if len(annotated) <= most)].append(position)
        if annotated:
            side_px = float(np.median([np.sqrt(box["w"] * box["h"]) for box in annotated]))
            found["object_size"][next(level for level, above in SIDES.items() if side_px < above)].append(position)
    large = {
        axis: {level: members for level, members in levels.items() if len(members) >= LEAST_IMAGES}
        for axis, levels in found.items()
    }
    return {axis: levels for axis, levels in large.items() if levels}


def of_groups(
    test_set: TestSet, pool: TestPool, measured: Mapping[str, Mapping[str, Statistic]], *, settings: Evaluate
) -> dict[str, Of]:
    """Variant → how it does on the groups of `test_set`; `measured` are its variants → statistics over its images."""
    members = groups(test_set, pool)
    return {
        variant: {
            axis: {test_set.name: {
                level: _intervals(
                    {name: Statistic(of.items[positions], of.value) for name, of in statistics.items()},
                    settings=settings,
                )
                for level, positions in levels.items()
            }}
            for axis, levels in members.items()
        }
        for variant, statistics in measured.items()
    }  # fmt: skip


def add(table: dict[str, dict[str, Any]], variant: str, found: Of) -> None:
    """Bring what was found of a variant into `table`, axis → test set → level → variant → metric → interval."""
    for axis, sets in found.items():
        for test_set, levels in sets.items():
            for level, metrics in levels.items():
                table.setdefault(axis, {}).setdefault(test_set, {}).setdefault(level, {})[variant] = metrics


def _intervals(found: Mapping[str, Statistic], *, settings: Evaluate) -> dict[str, Interval]:
    shown = {name: statistic for name, statistic in found.items() if name in METRICS}
    return intervals(shown, draws=settings.bootstrap_draws, seed=settings.seed)


def _boxes(test_set: TestSet, pool: TestPool) -> dict[str, list[dict[str, Any]] | None]:
    """The annotation of each image of the test set; none where it is not annotated with boxes."""
    modality = test_set.name.partition("/")[0]
    wanted = {pool.images[image]["record_id"] for image in test_set.images}
    sources = sorted({pool.images[image]["source"] for image in test_set.images})
    found = {
        row["record_id"]: row["boxes"]
        for source in sources
        for row in records.read(
            paths.sources_data(modality) / source / "records.parquet", columns=["record_id", "boxes"]
        )
        if row["record_id"] in wanted
    }
    if missing := sorted(wanted - found.keys()):
        raise ValueError(
            f"records.parquet of {modality} has no {missing[0]}: run `dvc repro` for download and validate"
        )
    return found


def _generator(seed: int, *of: str) -> np.random.Generator:
    digest = hashlib.blake2b("/".join([str(seed), *of]).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
