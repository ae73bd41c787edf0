"""95 % percentile intervals by the bootstrap over images, and paired differences between models.

Every metric here is a function of sums over images: a mean of (value, 1), a recall of (hits, tries), BLEU of n-gram
matches, totals and lengths. Resampling N images is then a matrix of counts (draws, N) times a table (N, columns), and
corpus metrics are resampled as exactly as means are. Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Key = TypeVar("Key")

CONFIDENCE = 0.95
_BLOCK = 5_000_000  # counts held at once: 40 MB, and as much again while they are drawn


@dataclass(frozen=True)
class Statistic:
    """A metric as a function of sums over images."""

    items: Floats  # (N, columns), one row an image
    value: Callable[[Floats], Floats]  # sums (…, columns) → values (…)

    def __post_init__(self) -> None:
        if self.items.ndim != 2 or not len(self.items):
            raise ValueError(f"a statistic needs one row an image and at least one image, got {self.items.shape}")
        bad = np.flatnonzero(~np.isfinite(self.items).all(axis=1))
        if bad.size:
            raise ValueError(f"item {bad[0]} has a value that is not finite ({bad.size} such items)")


@dataclass(frozen=True)
class Interval:
    """A value with its percentile interval over `n` images."""

    value: float
    low: float
    high: float
    n: int


def mean(values: npt.ArrayLike) -> Statistic:
    """The mean of `values` (N,), one an image."""
    column = np.asarray(values, dtype=np.float64)
    return Statistic(np.stack([column, np.ones(len(column))], axis=1), ratio)


def ratio(sums: Floats) -> Floats:
    """Sums (…, 2) → first over second."""
    return np.asarray(sums[..., 0] / sums[..., 1])


@dataclass(frozen=True)
class Difference(Interval):
    """How much one model is above another (the effect), and how easily resampling the images alone gives that."""

    p: float  # two-sided


def intervals(statistics: Mapping[str, Statistic], *, draws: int, seed: int) -> dict[str, Interval]:
    """The value and interval of each of `statistics`, all on the same resampled images.

    Raises `ValueError` when they differ in the number of images, or `draws` is below 1.
    """
    drawn = _resampled(statistics, draws=draws, seed=seed)
    return {
        name: _interval(float(statistic.value(statistic.items.sum(axis=0))), drawn[name], len(statistic.items))
        for name, statistic in statistics.items()
    }


def differences(
    first: Mapping[str, Statistic], second: Mapping[str, Statistic], *, draws: int, seed: int
) -> dict[str, Difference]:
    """First minus second, for each metric that both have, paired: each draw takes the same images for both.

    `value` is the effect in the metric's own unit; `p` is twice the share of draws on the other side of no difference,
    so that it is below 0.05 where the interval leaves 0 out. Draws of no difference count for both sides, and the
    sample itself as one draw more, for no finite number of draws shows p = 0 (Davison and Hinkley, Bootstrap Methods
    and their Application, section 4.2).

    Row i must be the same image in both. Raises `ValueError` when the numbers of images differ.
    """
    names = [name for name in first if name in second]
    both = {("first", name): first[name] for name in names} | {("second", name): second[name] for name in names}
    drawn = _resampled(both, draws=draws, seed=seed)
    result = {}
    for name in names:
        a, b = first[name], second[name]
        value = float(a.value(a.items.sum(axis=0)) - b.value(b.items.sum(axis=0)))
        gains = drawn["first", name] - drawn["second", name]
        result[name] = Difference(**vars(_interval(value, gains, len(a.items))), p=_two_sided_p(gains))
    return result


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value=value, low=float(low), high=float(high), n=n)


def _two_sided_p(gains: Floats) -> float:
    tail = 1 + min(np.count_nonzero(gains <= 0), np.count_nonzero(gains >= 0))
    return float(min(1.0, 2 * tail / (len(gains) + 1)))


def _resampled(statistics: Mapping[Key, Statistic], *, draws: int, seed: int) -> dict[Key, Floats]:
    if draws < 1:
        raise ValueError(f"draws is {draws}; give at least 1, better 1000")
    sizes = {len(statistic.items) for statistic in statistics.values()}
    if len(sizes) > 1:
        raise ValueError(f"the statistics are over different numbers of images: {sorted(sizes)}")
    if not sizes:
        return {}
    tables = {id(statistic.items): statistic.items for statistic in statistics.values()}  # BLEU-1..4 share theirs
    ends = dict(zip(tables, np.cumsum([table.shape[1] for table in tables.values()]), strict=True))
    joined = np.concatenate(list(tables.values()), axis=1)
    sums = np.concatenate([counts @ joined for counts in _counts(sizes.pop(), draws=draws, seed=seed)])
    result = {}
    for key, statistic in statistics.items():
        end = ends[id(statistic.items)]
        own = sums[:, end - statistic.items.shape[1] : end]
        result[key] = np.asarray(statistic.value(own), dtype=np.float64)
    return result


def _counts(n: int, *, draws: int, seed: int) -> Iterator[Floats]:
    """How often each of `n` images is drawn, (some draws, n) at a time; the same for the same seed and n."""
    generator = np.random.default_rng([seed, n])
    rows = max(1, _BLOCK // n)
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        picks = generator.integers(n, size=(size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(picks.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)
