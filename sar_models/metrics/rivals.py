"""How many wrong items score as high as the right ones: the one pass over all scores that retrieval needs.

Scores are made block by block and forgotten. Each thread takes every so manieth stripe of images and multiplies by
itself, so that the product is never divided between threads: the counts are the same with any number of them.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

TIE = np.float32(1e-6)  # cosines nearer than this are equal: a float32 product differs by less between block shapes


@dataclass(frozen=True)
class Pairs:
    """The right pairs of an image and a distinct text, P of them, sorted by image, then by text."""

    image: Integers  # (P,), row of the image
    text: Integers  # (P,), row among the K distinct texts
    score: Floats  # (P,), their cosine
    best_of_image: Floats  # (N,), the highest of an image
    best_of_text: Floats  # (K,), the highest of a text


@dataclass(frozen=True)
class Rivals:
    """Of each item, how many wrong ones score as high as its best right one, or higher, to within `TIE`."""

    of_image: Integers  # (N,) texts, each as often as it occurs
    of_text: Integers  # (K,) images
    clearly_of_image: Integers  # those that score higher by more than `TIE`: the others tie
    clearly_of_text: Integers
    of_pair_text: Integers  # (P,) images against this pair, not against the best of its text
    of_pair_image: Integers  # (P,) texts against this pair; zeros unless asked for


def count(
    images: Floats, texts: Floats, *, copies: Integers, pairs: Pairs, each_pair: bool, block: int, threads: int
) -> Rivals:
    """Count over all of `images` (N, D) and distinct `texts` (K, D), of unit length; a text occurs `copies` (K,) times.

    An image is wrong for a text here if it does not carry the text at all. Memory is O(threads · (block² + N + K + P)).
    """
    from threadpoolctl import threadpool_limits

    stripes = list(range(0, len(images), block))

    def work(first: int) -> Rivals:
        mine = stripes[first::threads]
        return _count(images, texts, copies=copies, pairs=pairs, each_pair=each_pair, block=block, stripes=mine)

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(work, range(threads)))
    return Rivals(**{field.name: sum(getattr(part, field.name) for part in parts) for field in fields(Rivals)})


def _count(
    images: Floats, texts: Floats, *, copies: Integers, pairs: Pairs, each_pair: bool, block: int, stripes: list[int]
) -> Rivals:
    found = Rivals(*(np.zeros(n, dtype=np.int64) for n in (*(len(images), len(texts)) * 2, *(len(pairs.text),) * 2)))
    carriers = np.bincount(pairs.text, minlength=len(texts))
    by_text = np.argsort(pairs.text, kind="stable")
    by_text = by_text[carriers[pairs.text[by_text]] > 1]  # a text of one image has one pair, whose count is its own
    starts = np.searchsorted(pairs.text[by_text], np.arange(0, len(texts) + block, block))
    weights = copies.astype(np.float32)
    scores, reached = np.empty((block, block), dtype=np.float32), np.empty((block, block), dtype=np.float32)
    for i in stripes:
        rows = slice(i, min(i + block, len(images)))
        here = slice(*np.searchsorted(pairs.image, [rows.start, rows.stop]))
        height = rows.stop - i
        for number, j in enumerate(range(0, len(texts), block)):
            columns = slice(j, min(j + block, len(texts)))
            width = columns.stop - j
            tile, high = scores[:height, :width], reached[:height, :width]
            np.matmul(images[rows], texts[columns].T, out=tile)
            inside = (pairs.text[here] >= j) & (pairs.text[here] < columns.stop)
            tile[pairs.image[here][inside] - i, pairs.text[here][inside] - j] = -np.inf  # right, so no rival

            # Comparisons go straight into floats: their products with a vector are the fastest way to count.
            best = pairs.best_of_image[rows, np.newaxis]
            for counts, least in ((found.of_image, best - TIE), (found.clearly_of_image, best + TIE)):
                counts[rows] += (np.greater_equal(tile, least, out=high) @ weights[columns]).astype(np.int64)
            best = pairs.best_of_text[columns]
            ones = np.ones(height, dtype=np.float32)
            for counts, least in ((found.of_text, best - TIE), (found.clearly_of_text, best + TIE)):
                counts[columns] += (ones @ np.greater_equal(tile, least, out=high)).astype(np.int64)

            _count_columns(tile, found.of_pair_text, pairs, chosen=by_text[starts[number] : starts[number + 1]], j=j)
            if each_pair:
                chosen = np.arange(here.start, here.stop)
                _count_rows(tile, found.of_pair_image, pairs, chosen=chosen, i=i, weights=weights[columns])
    alone = carriers[pairs.text] == 1
    found.of_pair_text[alone] = found.of_text[pairs.text[alone]]
    return found


def _count_columns(tile: Floats, counts: Integers, pairs: Pairs, *, chosen: Integers, j: int) -> None:
    for part in _parts(chosen, len(tile)):
        reached = tile[:, pairs.text[part] - j] >= pairs.score[part] - TIE
        counts[part] += np.count_nonzero(reached, axis=0)


def _count_rows(tile: Floats, counts: Integers, pairs: Pairs, *, chosen: Integers, i: int, weights: Floats) -> None:
    for part in _parts(chosen, len(tile)):
        reached = tile[pairs.image[part] - i] >= pairs.score[part, np.newaxis] - TIE
        counts[part] += (reached.astype(np.float32) @ weights).astype(np.int64)


def _parts(chosen: Integers, size: int) -> list[Integers]:
    return [chosen[start : start + size] for start in range(0, len(chosen), size)]
