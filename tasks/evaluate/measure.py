"""From answers to statistics: what `metrics/evaluate.json` and `metrics/compare.json` hold.

Unprefixed retrieval metrics are CLIP's, caption metrics CoCa's, `coca_*` the retrieval of CoCa, `vqa_*` SAR-GPT's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sar_models.metrics import caption, retrieval
from sar_models.metrics.bootstrap import Interval, Statistic, differences, intervals
from tasks.evaluate.predict import Answers
from tasks.evaluate.test_sets import TestPool, TestSet
from tasks.params import Evaluate

DECIMALS = 6

Statistics = dict[str, Statistic]  # metric → statistic over the images of a test set
Table = dict[str, dict[str, dict[str, Interval]]]  # test set → variant or pair of variants → metric → interval


def ranks(test_set: TestSet, pool: TestPool, rows: Sequence[NDArray[np.int64]], answers: Answers) -> retrieval.Ranks:
    """How one model ranks the images and captions of a test set; `rows` are each image's captions among the distinct
    texts."""
    images = np.array(test_set.images, dtype=np.int64)
    captions = [text for image in images for text in pool.captions[image]]
    owner = np.repeat(np.arange(len(images)), [len(pool.captions[image]) for image in images])
    texts = np.concatenate([rows[image] for image in images])
    return retrieval.ranks(answers.images[images], answers.texts[texts], image_of_text=owner, captions=captions)


def statistics(
    test_set: TestSet, pool: TestPool, answers: Answers, ranked: retrieval.Ranks, *, meteor: bool
) -> Statistics:
    """All metrics of one model on one test set: its retrieval, and the captions of a CoCa."""
    prefix = "" if answers.captions is None else "coca_"
    found = {f"{prefix}{name}": value for name, value in retrieval.statistics(ranked).items()}
    if answers.captions is None:
        return found
    generated = [answers.captions[image] for image in test_set.images]
    return found | caption.statistics(generated, [pool.captions[image] for image in test_set.images], meteor=meteor)


def values(measured: Mapping[str, Mapping[str, Statistics]], *, settings: Evaluate) -> Table:
    """Test set → variant → metric → value with its interval."""
    return {
        test_set: {
            variant: intervals(found, draws=settings.bootstrap_draws, seed=settings.seed)
            for variant, found in variants.items()
        }
        for test_set, variants in measured.items()
    }


def comparisons(measured: Mapping[str, Mapping[str, Statistics]], *, settings: Evaluate) -> Table:
    """Test set → `<later>-<earlier>` variant → metric → paired difference with its interval."""
    return {
        test_set: {
            f"{later}-{earlier}": differences(
                variants[later], variants[earlier], draws=settings.bootstrap_draws, seed=settings.seed
            )
            for earlier, later in combinations(variants, 2)
        }
        for test_set, variants in measured.items()
    }


def together(first: Table, second: Table) -> Table:
    """The metrics of both tables; their images may be others, so each was resampled by itself."""
    return {
        test_set: {
            variant: metrics | second.get(test_set, {}).get(variant, {}) for variant, metrics in variants.items()
        }
        for test_set, variants in first.items()
    }


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Write `table`, nested as deep as it is, as JSON: sorted, every number rounded to the same number of decimals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_plain(table), indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value
