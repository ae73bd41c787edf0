"""From which scores on captions by a model are kept: set where annotated images show how true such captions are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.narrate.score import LEAST_CLAIMS, ClaimScore, Totals, total

STEP = 0.05


@dataclass(frozen=True)
class Judged:
    """A caption of an annotated image: its two scores, and what became of its claims."""

    clip_score: float
    agreement: float
    claims: ClaimScore


@dataclass(frozen=True)
class Thresholds:
    """A caption is kept where both scores reach their threshold."""

    quantile: float  # of both scores on the validation images
    clip_score: float
    agreement: float
    kept: int  # validation captions
    totals: Totals  # of these


def curve(judged: Sequence[Judged]) -> list[Thresholds]:
    """Thresholds at the quantiles 0, 0.05 … 0.95 of both scores, each with what it keeps; empty without captions."""
    if not judged:
        return []
    clip, agree = (np.array([getattr(each, name) for each in judged]) for name in ("clip_score", "agreement"))
    found = []
    for number in range(round(1 / STEP)):
        quantile = round(number * STEP, 2)
        # "higher": a threshold is a score that some caption has, so no rounding lies between it and the captions.
        low_clip, low_agree = (float(np.quantile(scores, quantile, method="higher")) for scores in (clip, agree))
        kept = [each.claims for each in judged if each.clip_score >= low_clip and each.agreement >= low_agree]
        found.append(Thresholds(quantile, low_clip, low_agree, len(kept), total(kept)))
    return found


def choose(found: Sequence[Thresholds], *, goal: float) -> Thresholds | None:
    """The lowest thresholds from which on claim precision reaches `goal`, or None where none do.

    From there on: a single quantile that passes between others that fail would be luck. Quantiles that keep too few
    claims to judge (`LEAST_CLAIMS`) are passed over.
    """
    chosen = None
    for each in reversed(found):
        if each.totals.counts.supported + each.totals.counts.contradicted < LEAST_CLAIMS:
            continue
        precision = each.totals.claim_precision
        if precision is None or precision < goal:
            break
        chosen = each
    return chosen
