"""The rules on numbers: an interval decides, never the difference alone."""

import pytest

from sar_models.metrics.bootstrap import Interval
from tasks.gate import rules


@pytest.mark.parametrize(
    ("difference", "passed"),
    [
        (Interval(1.0, 0.2, 1.8, 100), True),
        (Interval(-0.5, -0.9, 0.1, 100), True),  # may be worse, but by less than the margin
        (Interval(0.5, -1.0, 2.0, 100), False),  # looks better, yet may be worse by the margin: too few images
        (Interval(-3.0, -4.0, -2.0, 100), False),
        (Interval(float("nan"), float("nan"), float("nan"), 100), False),
    ],
)
def test_no_worse_means_the_whole_interval_above_the_margin(difference: Interval, passed: bool) -> None:
    (reason,) = rules.no_worse({"mean_recall": difference}, {"mean_recall": 1.0}, of="SAR")
    assert reason.passed is passed
    assert "mean_recall on SAR" in reason.text


def test_what_was_not_measured_does_not_pass() -> None:
    (reason,) = rules.no_worse({"cider": Interval(1, 1, 1, 9)}, {"cidre": 0.1}, of="SAR")
    assert not reason.passed
    assert "cidre was not measured on SAR; measured: cider" in reason.text
    assert not rules.better_in_one({}, ["cidre"], of="SAR").passed


def test_equal_models_are_no_worse_and_not_better() -> None:
    equal = {"mean_recall": Interval(0.0, 0.0, 0.0, 100)}
    assert rules.no_worse(equal, {"mean_recall": 0.5}, of="SAR")[0].passed
    reason = rules.better_in_one(equal, ["mean_recall"], of="SAR")
    assert not reason.passed
    assert "not surely better on SAR" in reason.text


def test_one_surely_better_metric_is_enough_and_is_named() -> None:
    found = {"a": Interval(1.0, -0.1, 2.0, 50), "b": Interval(2.0, 0.5, 3.0, 50)}
    reason = rules.better_in_one(found, ["a", "b"], of="SAR")
    assert reason.passed
    assert "b +2 (95% interval +0.5 to +3, 50 images)" in reason.text
    assert "a +1" not in reason.text
