"""N-gram counts of tokenised texts as sparse matrices: one row a text, one column a distinct n-gram."""

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Integers = npt.NDArray[np.int64]


def counts(lines: Sequence[str], *, longest: int) -> Iterator["csr_array[np.int64]"]:
    """For n = 1 … `longest`: how often each n-gram of words comes in each of `lines`, (lines, distinct n-grams).

    Words are divided by any white space, as pycocoevalcap's BLEU and CIDEr do it.
    """
    words, lengths = _numbered(lines)
    ends = np.cumsum(lengths)
    words_left = np.repeat(ends, lengths) - np.arange(len(words))  # from each word to the end of its text
    vocabulary = int(words.max(initial=-1)) + 1
    start, gram = np.arange(len(words)), words
    for n in range(1, longest + 1):
        if n > 1:
            longer = words_left[start] >= n
            start = start[longer]
            gram = np.unique(gram[longer] * vocabulary + words[start + n - 1], return_inverse=True)[1]
        borders = np.concatenate([[0], np.cumsum(np.maximum(lengths - n + 1, 0))])
        columns = int(gram.max(initial=0)) + 1
        ones = np.ones(len(gram), dtype=np.int64)
        table = csr_array((ones, gram.copy(), borders), shape=(len(lines), columns))  # what follows sorts in place
        table.sum_duplicates()
        yield table


def most(table: "csr_array[np.int64]", *, borders: Integers) -> "csr_array[np.int64]":
    """Rows `borders[i]` to `borders[i + 1]` of `table` as one row i: of each n-gram the largest count."""
    rows = len(borders) - 1
    together = csr_array((table.data.copy(), table.indices.copy(), table.indptr[borders]), shape=(rows, table.shape[1]))
    together.sort_indices()  # equal n-grams of a row now stand side by side
    row = np.repeat(np.arange(rows), np.diff(together.indptr))
    first = np.ones(together.nnz, dtype=bool)
    first[1:] = (np.diff(row) != 0) | (np.diff(together.indices) != 0)
    largest = np.maximum.reduceat(together.data, np.flatnonzero(first))
    return csr_array((largest, (row[first], together.indices[first])), shape=together.shape)


def _numbered(lines: Sequence[str]) -> tuple[Integers, Integers]:
    """All words of all texts as numbers, and how many words each text has."""
    number: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    words, lengths = array("q"), array("q")
    for line in lines:
        before = len(words)
        words.extend(map(number.__getitem__, line.split()))
        lengths.append(len(words) - before)
    return np.array(words, dtype=np.int64), np.array(lengths, dtype=np.int64)
