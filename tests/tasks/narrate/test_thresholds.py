"""Thresholds on two scores, set where annotated images show how true the captions above them are."""

import numpy as np
import pytest

from tasks.narrate.model_captions import agreement
from tasks.narrate.score import ClaimScore
from tasks.narrate.thresholds import LEAST_CLAIMS, Judged, choose, curve


def judged(count: int, *, true_above: float, luck: int = 0) -> list[Judged]:
    """Two claims a caption; captions whose two scores both exceed `true_above` are true, of the others every third."""
    random = np.random.default_rng(luck)
    found = []
    for number in range(count):
        clip = float(random.random())
        agree = float(np.clip(clip + random.normal(0, 0.02), 0, 1))
        true = min(clip, agree) > true_above or number % 3 == 0
        found.append(Judged(clip, agree, ClaimScore(supported=2 * true, contradicted=2 * (not true))))
    return found


def test_the_lowest_thresholds_that_reach_the_goal_are_chosen() -> None:
    found = curve(judged(400, true_above=0.6))
    chosen = choose(found, goal=0.95)
    assert chosen is not None
    assert 0.5 < chosen.quantile < 0.65
    assert chosen.totals.claim_precision is not None
    assert chosen.totals.claim_precision >= 0.95
    lower = next(each for each in found if each.quantile == round(chosen.quantile - 0.05, 2))
    assert lower.totals.claim_precision is not None
    assert lower.totals.claim_precision < 0.95


def test_what_is_kept_is_what_the_thresholds_keep() -> None:
    all_of_them = judged(200, true_above=0.5)
    for each in curve(all_of_them):
        kept = [one.clip_score >= each.clip_score and one.agreement >= each.agreement for one in all_of_them]
        assert each.kept == sum(kept)


def test_where_the_goal_is_out_of_reach_nothing_is_chosen() -> None:
    assert choose(curve(judged(300, true_above=2.0)), goal=0.9) is None
    assert choose([], goal=0.1) is None
    assert curve([]) == []


def test_a_handful_of_claims_proves_nothing() -> None:
    few = [Judged(n / 10, n / 10, ClaimScore(supported=1)) for n in range(LEAST_CLAIMS - 1)]
    assert choose(curve(few), goal=0.5) is None
    assert choose(curve([*few, few[-1]]), goal=0.5) is not None


def test_a_lucky_quantile_between_failing_ones_is_not_taken() -> None:
    """True in the middle, false on top: no threshold keeps only what is true."""
    middle = [
        Judged(n / 200, n / 200, ClaimScore(supported=int(80 <= n < 150), contradicted=int(not 80 <= n < 150)))
        for n in range(200)
    ]
    assert choose(curve(middle), goal=0.55) is None


def test_captions_without_claims_do_not_count() -> None:
    silent = [Judged(0.9, 0.9, ClaimScore(undecidable=3))] * 100
    assert choose(curve(silent), goal=0.1) is None


@pytest.mark.parametrize(
    ("text", "others", "value"),
    [
        ("Two ships.", ["two ships", "TWO, ships!"], 1.0),
        ("two ships", ["three aircraft"], 0.0),
        ("two ships", ["two aircraft"], 0.5),
        ("two ships", ["two ships", "three aircraft"], 0.5),
        ("ship ship ship", ["ship"], 0.5),  # repeats count: 2·1 / (3 + 1)
        ("about 40% water", ["about 40 water"], 2 / 3),
        ("", [""], 0.0),
        ("a ship", [], 0.0),
    ],
)
def test_agreement(text: str, others: list[str], value: float) -> None:
    assert agreement(text, others) == pytest.approx(value)
