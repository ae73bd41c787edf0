"""Classification without training: the class whose prompts lie nearest to the picture (Radford et al. 2021, CLIP).

A class is the mean of the embeddings of its prompts, each of length 1, brought to length 1 again. Equal scores count
against the model, so that one that gives all pictures the same embedding is never right.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sar_models.metrics.bootstrap import Statistic
from sar_models.metrics.retrieval import percent
from sar_models.metrics.rivals import TIE
from sar_models.metrics.vqa import mean_of_shares


def class_embeddings(prompts: NDArray[np.float32]) -> NDArray[np.float32]:
    """(C, P, D) of P prompts of each of C classes, of length 1 → (C, D) of length 1."""
    means = prompts.mean(axis=1)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def classify(
    images: NDArray[np.float32], classes: NDArray[np.float32], *, truth: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The class said of each picture (N, D): the nearest; a wrong one where it is as near as the true one.

    Raises `ValueError` naming the row of a picture whose scores are not finite.
    """
    scores = images @ classes.T
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if bad.size:
        raise ValueError(f"images row {bad[0]}: the scores of its classes are not finite ({bad.size} such rows)")
    rows = np.arange(len(truth))
    scores[rows, truth] -= np.float32(TIE)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def confusion(truth: NDArray[np.int64], said: NDArray[np.int64], *, classes: int) -> NDArray[np.int64]:
    """(C, C) numbers of pictures: row the true class, column the one said."""
    counts = np.bincount(truth * classes + said, minlength=classes * classes)
    return np.asarray(counts.reshape(classes, classes), dtype=np.int64)


def statistics(truth: NDArray[np.int64], said: NDArray[np.int64], *, names: Sequence[str]) -> dict[str, Statistic]:
    """`accuracy`, `balanced_accuracy` (the mean over the classes), and `accuracy_<class>`, in percent."""
    right = (truth == said).astype(np.float64)
    of_each = [np.stack([right * (truth == number), truth == number], axis=1) for number in range(len(names))]
    found = {
        "accuracy": Statistic(np.stack([right, np.ones(len(right))], axis=1), percent),
        "balanced_accuracy": Statistic(np.concatenate(of_each, axis=1), mean_of_shares),
    }
    # Of its own pictures alone, so that each draw holds some.
    return found | {
        f"accuracy_{name}": Statistic(of_each[number][truth == number], percent) for number, name in enumerate(names)
    }
