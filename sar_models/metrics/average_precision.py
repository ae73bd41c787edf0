"""Average precision of a ranking with several right items, from how many wrong ones stand before each of them."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def average_precision(
    query: Integers, *, scores: npt.NDArray[np.float32], copies: Integers, rivals: Integers
) -> npt.NDArray[np.float64]:
    """The mean, over the right items of each query, of the share of right ones among all down to its place.

    One row a right item: `query` (P,) from 0 without a gap, its score, how many `copies` of it stand in the ranking,
    and its `rivals`, the wrong items that score as high or higher. Returns one value a query, from 0 to 1 (Manning et
    al., Introduction to Information Retrieval, section 8.4).
    """
    order = np.lexsort((-scores, query))
    order = np.repeat(order, copies[order])
    first = np.searchsorted(query[order], query[order], side="left")
    place = np.arange(len(order)) - first + 1  # among the right ones
    sums = np.bincount(query[order], weights=place / (place + rivals[order]))
    return np.asarray(sums / np.bincount(query[order]))
