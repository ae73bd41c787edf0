"""What CLIP found: for each image its best texts, for each caption its best images; a recall can be looked behind.

`retrieval.parquet`, over the whole of each text (`sar/all`, or its only source): `rank` is that of the first right one,
as in the metrics, where equal scores count against the model; `found` are the five best, distinct texts or record ids.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sar_models.metrics.retrieval import Ranks
from tasks import records
from tasks.evaluate.predict import Answers
from tasks.evaluate.test_sets import TestPool, TestSet

SHOWN = 5
DECIMALS = 6  # of a cosine: nearer ones are equal to the ranks too
SCHEMA = pa.schema(
    [
        ("test_set", pa.string()),
        ("variant", pa.string()),
        ("direction", pa.string()),  # i2t | t2i
        ("record_id", pa.string()),  # the image that asks, or the one whose caption asks
        ("query", pa.string()),  # the caption that asks; of an image its record id
        ("rank", pa.int64()),
        ("found", pa.list_(pa.string())),  # best first
        ("scores", pa.list_(pa.float64())),  # their cosines
    ]
)


def whole(pool: TestPool) -> list[TestSet]:
    """Of each text the set that holds all others."""
    by_text: dict[str, list[TestSet]] = {}
    for test_set in pool.sets:
        by_text.setdefault(test_set.name.partition("/")[0], []).append(test_set)
    return [max(sets, key=lambda one: (len(one.images), one.name.endswith("/all"))) for sets in by_text.values()]


def tables(
    variant: str,
    test_set: TestSet,
    pool: TestPool,
    ranks: Ranks,
    *,
    answers: Answers,
    distinct: Sequence[str],
    rows: Sequence[NDArray[np.int64]],
) -> Iterator[pa.Table]:
    """The rows of both directions. `answers` are of the whole pool, `distinct` are its texts and `rows` each image's
    captions among them, as `predict.distinct` gives both."""
    images, texts = answers.images, answers.texts
    members = np.array(test_set.images)
    ids = [pool.images[image]["record_id"] for image in members]
    own = [rows[image] for image in members]
    offered = np.unique(np.concatenate(own))
    asking = np.concatenate(own)
    asked_by = np.repeat(np.arange(len(members)), [len(each) for each in own])
    captions = [text for image in members for text in pool.captions[image]]

    found, scores = best(images[members], texts[offered])
    yield _table(
        variant, test_set.name, "i2t", ids, ids, ranks.image_to_text.tolist(),
        [[distinct[offered[text]] for text in row] for row in found.tolist()], scores,
    )  # fmt: skip
    found, scores = best(texts[asking], images[members])
    yield _table(
        variant, test_set.name, "t2i", [ids[image] for image in asked_by], captions, ranks.text_to_image.tolist(),
        [[ids[image] for image in row] for row in found.tolist()], scores,
    )  # fmt: skip


def best(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], *, count: int = SHOWN, block: int = 1024
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The `count` rows of `gallery` (M, D) nearest to each of `queries` (N, D), best first, and their cosines.

    Of equal ones the earlier comes first. Memory is O(block · M).
    """
    count = min(count, len(gallery))
    nearest = np.empty((len(queries), count), dtype=np.int64)
    cosines = np.empty((len(queries), count))
    for start in range(0, len(queries), block):
        scores = np.round((queries[start : start + block] @ gallery.T).astype(np.float64), DECIMALS) + 0.0
        chosen = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
        nearest[start : start + block] = np.take_along_axis(chosen, order, axis=1)
        cosines[start : start + block] = np.take_along_axis(scores, nearest[start : start + block], axis=1)
    return nearest, cosines


def write(path: Path, found: Iterable[pa.Table]) -> None:
    """Write `tables` of all variants."""
    records.write_tables(path, found, schema=SCHEMA)


def _table(
    variant: str,
    test_set: str,
    direction: str,
    record_ids: Sequence[str],
    queries: Sequence[str],
    ranks: Sequence[int],
    found: Sequence[Sequence[str]],
    scores: NDArray[np.float64],
) -> pa.Table:
    number = len(queries)
    columns = [[test_set] * number, [variant] * number, [direction] * number, record_ids, queries, ranks, found]
    return pa.table([*columns, scores.tolist()], schema=SCHEMA)
