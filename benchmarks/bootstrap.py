"""Intervals of all caption metrics by 1,000 draws over 50,000 captions, against drawing rows one resample at a time.

Ours is `bootstrap.intervals`: a matrix of counts times the tables of all metrics. The peer takes the rows of each draw
and adds them up, which is how a bootstrap is usually written, timed on `PEER_DRAWS` and multiplied up to all; both give
the same intervals but for the draws. Processor seconds; `wall_s` is ours by the clock. The per-image sums are random
numbers of the size that captions give.
"""

import statistics
import time
from typing import Any

import numpy as np

from sar_models.metrics.bootstrap import Statistic, intervals, mean
from sar_models.metrics.caption import bleu

CAPTIONS, DRAWS, PEER_DRAWS, PASSES = 50_000, 1000, 200, 3


def run() -> dict[str, Any]:
    """One row; `ratio` is the median over passes of ours / peer, in seconds."""
    found = _statistics()
    seconds: list[tuple[float, float]] = []
    walls: list[float] = []
    for _ in range(PASSES):
        clock, start = time.perf_counter(), time.process_time()
        ours = intervals(found, draws=DRAWS, seed=1)
        middle = time.process_time()
        walls.append(time.perf_counter() - clock)
        peer = _row_by_row(found)
        seconds.append((middle - start, (time.process_time() - middle) * DRAWS / PEER_DRAWS))
        for name, (low, high) in peer.items():
            width = ours[name].high - ours[name].low
            if max(abs(ours[name].low - low), abs(ours[name].high - high)) > 0.3 * width:
                raise AssertionError(f"{name}: {ours[name]} against {low} to {high}")
    ratios = sorted(ours / peer for ours, peer in seconds)
    return {
        "name": "bootstrap", "captions": CAPTIONS, "draws": DRAWS,
        "ours": round(statistics.median(ours for ours, _ in seconds), 2),
        "peer": round(statistics.median(peer for _, peer in seconds), 2),
        "ratio": round(statistics.median(ratios), 3), "unit": "s", "n": PASSES,
        "spread": [round(ratios[0], 3), round(ratios[-1], 3)], "wall_s": round(statistics.median(walls), 2),
    }  # fmt: skip


def _statistics() -> dict[str, Statistic]:
    generator = np.random.default_rng(0)
    lengths = generator.integers(6, 22, size=(CAPTIONS, 2))
    totals = np.stack([lengths[:, 0] - order for order in range(4)], axis=1)
    matches = generator.binomial(totals, [0.7, 0.4, 0.3, 0.2])
    table = np.concatenate([matches, totals, lengths], axis=1).astype(np.float64)
    found = {f"bleu_{n}": Statistic(table, lambda sums, n=n: bleu(sums, n)) for n in range(1, 5)}
    return found | {name: mean(generator.random(CAPTIONS)) for name in ("rouge_l", "cider", "meteor", "spice")}


def _row_by_row(found: dict[str, Statistic]) -> dict[str, tuple[float, float]]:
    generator = np.random.default_rng(2)
    drawn: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(PEER_DRAWS):
        picks = generator.integers(CAPTIONS, size=CAPTIONS)
        for name, statistic in found.items():
            drawn[name].append(float(statistic.value(statistic.items[picks].sum(axis=0))))
    return {name: tuple(np.quantile(values, [0.025, 0.975])) for name, values in drawn.items()}
