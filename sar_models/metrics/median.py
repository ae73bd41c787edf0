"""The median of whole numbers as a function of sums over items, so that it is resampled like every other metric.

Sums cannot give a median in general. They can if each item carries, for every value v that the median of a resample
may be, how many of its numbers are at most v: the median is the first v that half of all reach. Within a few standard
errors around the middle lie all that resamples give; of more than `_VALUES` values there an even choice is kept.
"""

from functools import partial

import numpy as np
import numpy.typing as npt

from sar_models.metrics.bootstrap import Statistic

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_VALUES = 65
_ERRORS = 5.0  # standard errors of the middle to either side


def median(numbers: Integers, *, item: Integers, items: int) -> Statistic:
    """The lower median of `numbers`: the least of them that at least half do not exceed.

    `item` says which of the `items` a number belongs to. With an even count the mean of the middle two is not taken, so
    that the median of ranks is a rank. The value is exact; an interval's ends are exact to the kept values.
    """
    ordered = np.sort(numbers)
    middle, spread = (len(ordered) - 1) // 2, _ERRORS * 0.5 * len(ordered) / items**0.5
    low, high = max(0, int(middle - spread)), min(len(ordered) - 1, int(np.ceil(middle + spread)))
    values = np.unique(ordered[low : high + 1])
    chosen = values[np.linspace(0, len(values) - 1, min(_VALUES, len(values))).round().astype(int)]
    values = np.union1d(chosen, ordered[middle])
    columns = [np.bincount(item, weights=numbers <= value, minlength=items) for value in values]
    columns.append(np.bincount(item, minlength=items).astype(np.float64))
    return Statistic(np.stack(columns, axis=1), partial(_first_half, values=values))


def _first_half(sums: Floats, *, values: Integers) -> Floats:
    """Sums (…, V + 1) of numbers up to each of `values` and of all → the first value that half reach."""
    reached = 2 * sums[..., :-1] >= sums[..., -1:]
    reached[..., -1] = True
    return np.asarray(values[reached.argmax(axis=-1)], dtype=np.float64)
