"""METEOR 1.5 through pycocoevalcap's jar (needs Java), as sums over images, so that it can be resampled like the rest.

The corpus score is a function of summed matches and lengths, not a mean of the images' scores; the jar gives each
image's numbers, and `score` is its formula for English (Denkowski and Lavie, WMT 2014).
"""

import shutil
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sar_models.metrics.bootstrap import Statistic

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym and paraphrase matches


def require_java() -> None:
    """Raise `ValueError` that says what to install when there is no Java."""
    if shutil.which("java") is None:
        raise ValueError(
            "METEOR needs Java, and there is no `java` on the PATH: install a Java runtime (Debian and Ubuntu: "
            "`apt-get install default-jre-headless`), or set evaluate.meteor to false in params.yaml"
        )


def statistic(truths: Mapping[int, list[str]], results: Mapping[int, list[str]]) -> Statistic:
    """METEOR of tokenised captions (row → one caption) against tokenised references (row → references).

    Raises `ValueError` without Java.
    """
    require_java()
    from pycocoevalcap.meteor.meteor import Meteor

    scorer = Meteor()
    try:
        lines = [scorer._stat(results[row][0], truths[row]) for row in truths]
    finally:
        for stream in (scorer.meteor_p.stdin, scorer.meteor_p.stdout, scorer.meteor_p.stderr):
            stream.close()
        scorer.meteor_p.wait()
    items = np.array([[float(number) for number in line.split()] for line in lines])
    whole = (items[:, 21:23] == items[:, 0:2]).all(axis=1) & (items[:, 20] == 1)
    items[whole, 20] = 0  # as the jar sums them: a perfect match has no fragments
    return Statistic(items, score)


def score(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums (…, 23) of the jar's numbers → METEOR (…).

    The numbers: words of the caption and of its reference, of these function words; for each kind of match content
    words in the caption and the reference, function words in both; chunks (0 for a perfect match); matched words in
    both.
    """
    length, function = sums[..., 0:2], sums[..., 2:4]  # caption, reference
    kinds = sums[..., 4:20].reshape(*sums.shape[:-1], 4, 4)
    matched = DELTA * kinds[..., 0:2] + (1 - DELTA) * kinds[..., 2:4]
    weighted = (WEIGHTS[:, None] * matched).sum(axis=-2)
    share = _divide(weighted, DELTA * (length - function) + (1 - DELTA) * function)
    precision, recall = share[..., 0], share[..., 1]
    f_mean = _divide(precision * recall, ALPHA * precision + (1 - ALPHA) * recall)
    fragmentation = _divide(sums[..., 20], sums[..., 21:23].mean(axis=-1))
    return np.asarray(f_mean * (1 - GAMMA * fragmentation**BETA))


def _divide(top: npt.NDArray[np.float64], bottom: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
