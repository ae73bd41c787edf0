"""Zero-shot classification on test sets of chips, whose every image has one label.

Each class is described by an ensemble of prompts (`prompts.yaml`) with the words that captions use for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models.metrics import zero_shot
from sar_models.metrics.bootstrap import intervals
from tasks import paths, records, strict
from tasks.evaluate.embeddings import Embedder
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.narrate import grammar
from tasks.params import Evaluate

PROMPTS = Path(__file__).parent / "prompts.yaml"
LEAST_CLASSES = 2


@dataclass(frozen=True)
class Prompts:
    """`prompts.yaml`"""

    sar: tuple[str, ...]
    optical: tuple[str, ...]

    def __post_init__(self) -> None:
        for prompt in (*self.sar, *self.optical):
            if prompt.count("{}") != 1:
                raise ValueError(f"'{prompt}' must hold one {{}}, where the class stands")


@dataclass(frozen=True)
class Labelled:
    """A test set whose images are each of one class."""

    name: str
    images: NDArray[np.int64]  # rows of the pool
    classes: list[str]  # sorted
    truth: NDArray[np.int64]  # class of each image
    prompts: list[str]  # of the first class, then of the second, …


def read(pool: TestPool) -> list[Labelled]:
    """The test sets in which every image has a label, of two classes at least."""
    label_of: dict[str, str | None] = {}
    for modality, source in sorted({(test_set.name.partition("/")[0], source) for test_set in pool.sets
                                    for source in _sources(test_set, pool)}):  # fmt: skip
        rows = records.read(paths.sources_data(modality) / source / "records.parquet", columns=["record_id", "label"])
        label_of |= {row["record_id"]: row["label"] for row in rows}
    found = []
    for test_set in pool.sets:
        labels = [label_of[pool.images[image]["record_id"]] for image in test_set.images]
        classes = sorted({label for label in labels if label is not None})
        if None in labels or len(classes) < LEAST_CLASSES:
            continue
        truth = np.array([classes.index(str(label)) for label in labels])
        written = prompts_of(classes, test_set.name.partition("/")[0])
        found.append(Labelled(test_set.name, np.array(test_set.images), classes, truth, written))
    return found


def prompts_of(classes: Sequence[str], modality: str) -> list[str]:
    """Every prompt of the modality for the first class, then for the second, …"""
    prompts: tuple[str, ...] = getattr(_prompts(), modality)
    return [prompt.format(grammar.one(name).text) for name in classes for prompt in prompts]


def measure(
    labelled: Labelled, embedder: Embedder, images: NDArray[np.float32], *, settings: Evaluate
) -> Mapping[str, Any]:
    """accuracy, balanced_accuracy, per_class: value, low, high, n each; classes; confusion, row true, column said.

    `images` are the embeddings of the pool.
    """
    prompts = embedder.texts(labelled.prompts).reshape(len(labelled.classes), -1, images.shape[1])
    said = zero_shot.classify(images[labelled.images], zero_shot.class_embeddings(prompts), truth=labelled.truth)
    found = zero_shot.statistics(labelled.truth, said, names=labelled.classes)
    measured = {
        name: intervals({name: statistic}, draws=settings.bootstrap_draws, seed=settings.seed)[name]
        for name, statistic in found.items()
    }
    return {
        "accuracy": measured["accuracy"],
        "balanced_accuracy": measured["balanced_accuracy"],
        "per_class": {name: measured[f"accuracy_{name}"] for name in labelled.classes},
        "classes": labelled.classes,
        "confusion": zero_shot.confusion(labelled.truth, said, classes=len(labelled.classes)).tolist(),
    }


@cache
def _prompts() -> Prompts:
    return strict.load(Prompts, PROMPTS)


def _sources(test_set: TestSet, pool: TestPool) -> set[str]:
    return {pool.images[image]["source"] for image in test_set.images}
