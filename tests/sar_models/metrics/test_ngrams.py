from collections import Counter

import numpy as np

from sar_models.metrics import ngrams

LINES = ["a b a b a", "", "b", "a b c d", "c d"]


def by_hand(n: int) -> list[Counter]:
    words = [line.split() for line in LINES]
    return [Counter(tuple(text[at : at + n]) for at in range(len(text) - n + 1)) for text in words]


def test_counts_are_those_of_a_counter():
    for n, table in enumerate(ngrams.counts(LINES, longest=5), start=1):
        expected, found = by_hand(n), table.toarray()
        assert [sorted(row[row > 0]) for row in found] == [sorted(counter.values()) for counter in expected]
        assert (found > 0).sum(axis=0).tolist().count(0) == (0 if any(expected) else found.shape[1])
        for one in range(len(LINES)):
            for other in range(len(LINES)):
                shared = (expected[one] & expected[other]).total()
                assert np.minimum(found[one], found[other]).sum() == shared


def test_the_largest_count_of_merged_rows():
    table = next(ngrams.counts(LINES, longest=1))
    merged = ngrams.most(table, borders=np.array([0, 3, 5]))
    np.testing.assert_array_equal(merged.toarray(), [table.toarray()[:3].max(axis=0), table.toarray()[3:].max(axis=0)])


def test_no_words_at_all():
    for table in ngrams.counts(["", " "], longest=2):
        assert table.shape[0] == 2
        assert ngrams.most(table, borders=np.array([0, 2])).sum() == 0
