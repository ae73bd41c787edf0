import random

import pytest

from sar_models.metrics.rouge import BETA, rouge_l


def longest(first: list[str], second: list[str]) -> int:
    """The longest common subsequence by its definition."""
    if not first or not second:
        return 0
    if first[0] == second[0]:
        return 1 + longest(first[1:], second[1:])
    return max(longest(first[1:], second), longest(first, second[1:]))


@pytest.mark.parametrize("seed", range(20))
def test_equal_to_the_definition(seed):
    generator = random.Random(seed)
    first, second = ([generator.choice("abc") for _ in range(generator.randrange(1, 9))] for _ in range(2))
    common = longest(first, second)
    precision, recall = common / len(first), common / len(second)
    expected = (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision) if common else 0
    assert rouge_l([" ".join(first)], [[" ".join(second)]])[0] == pytest.approx(expected)


def test_precision_and_recall_may_come_from_different_references():
    found = rouge_l(["a b c d"], [["a b c d e f g h", "a"]])[0]
    assert found == pytest.approx(1), "all of the caption is in the first, all of the second in the caption"


def test_long_captions():
    words = [str(number) for number in range(500)]
    assert rouge_l([" ".join(words)], [[" ".join(words)]])[0] == 1
    assert rouge_l([" ".join(words)], [[" ".join(reversed(words))]])[0] == pytest.approx(1 / 500)
