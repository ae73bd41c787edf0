"""The median as a function of sums, against the median of the numbers themselves."""

import numpy as np
import pytest

from sar_models.metrics.bootstrap import intervals
from sar_models.metrics.median import median


def lower_median(numbers) -> int:
    return int(np.sort(numbers)[(len(numbers) - 1) // 2])


@pytest.mark.parametrize("seed", range(20))
def test_the_value_is_the_lower_median(seed: int) -> None:
    random = np.random.default_rng(seed)
    numbers = random.geometric(0.02, size=random.integers(1, 3000))
    items = int(random.integers(1, 400))
    found = median(numbers, item=random.integers(0, items, len(numbers)), items=items)
    assert found.value(found.items.sum(axis=0)) == lower_median(numbers)


@pytest.mark.parametrize(("images", "largest"), [(150, 40), (4000, 136_000)])
def test_the_interval_is_that_of_resampled_medians(images: int, largest: int) -> None:
    """Of few values every one is kept; of many a choice, fine beside the width of the interval."""
    random = np.random.default_rng(3)
    numbers = random.integers(1, largest + 1, images)
    found = intervals({"m": median(numbers, item=np.arange(images), items=images)}, draws=2000, seed=1)["m"]
    resampled = [lower_median(random.choice(numbers, images)) for _ in range(2000)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert found.value == lower_median(numbers)
    assert (found.low, found.high) == pytest.approx((low, high), abs=max(1, 0.2 * (high - low)))


def test_numbers_of_one_item_are_resampled_together() -> None:
    """Ten items of a hundred equal numbers are ten numbers, not a thousand."""
    numbers = np.repeat(np.arange(10), 100)
    together = median(numbers, item=np.repeat(np.arange(10), 100), items=10)
    found = intervals({"m": together}, draws=2000, seed=1)["m"]
    assert (found.value, found.low, found.high) == pytest.approx((4, 1, 8), abs=1)
