import numpy as np
import pytest
import scipy.stats

from sar_models.metrics import bootstrap
from sar_models.metrics.bootstrap import Statistic, differences, intervals, mean, ratio


def test_the_interval_of_a_mean_is_the_normal_one():
    sample = np.random.default_rng(0).normal(3, 2, size=400)
    found = intervals({"mean": mean(sample)}, draws=4000, seed=1)["mean"]
    half = 1.96 * sample.std() / np.sqrt(400)
    assert found.value == pytest.approx(sample.mean())
    assert found.low == pytest.approx(sample.mean() - half, abs=0.03)
    assert found.high == pytest.approx(sample.mean() + half, abs=0.03)
    assert found.n == 400


def test_the_interval_covers_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(5)
    hits = 0
    for trial in range(300):
        found = intervals({"x": mean(generator.exponential(1, size=120))}, draws=400, seed=trial)["x"]
        hits += found.low <= 1 <= found.high
    assert 0.90 <= hits / 300 <= 0.98


def test_a_ratio_is_resampled_as_a_ratio():
    generator = np.random.default_rng(2)
    tries = generator.integers(1, 6, size=50).astype(float)
    found = intervals({"all": Statistic(np.stack([tries, tries], axis=1), ratio)}, draws=200, seed=0)["all"]
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_blocks_of_draws_change_nothing(monkeypatch):
    statistic = {"x": mean(np.random.default_rng(0).normal(size=70))}
    whole = intervals(statistic, draws=500, seed=3)["x"]
    monkeypatch.setattr(bootstrap, "_BLOCK", 70 * 9)
    parts = intervals(statistic, draws=500, seed=3)["x"]
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), rel=1e-12)


def test_the_seed_decides():
    statistic = {"x": mean(np.random.default_rng(0).normal(size=70))}
    assert intervals(statistic, draws=300, seed=3) == intervals(statistic, draws=300, seed=3)
    assert intervals(statistic, draws=300, seed=3) != intervals(statistic, draws=300, seed=4)


def test_paired_differences_see_what_unpaired_intervals_do_not():
    # Items differ much, the second model is better by a little on each.
    base = np.random.default_rng(7).normal(0, 10, size=100)
    gain = np.random.default_rng(8).normal(0.5, 0.1, size=100)
    first, second = {"m": mean(base + gain)}, {"m": mean(base)}
    alone = [intervals(each, draws=500, seed=0)["m"] for each in (first, second)]
    assert alone[0].low < alone[1].high
    found = differences(first, second, draws=500, seed=0)["m"]
    assert found.value == pytest.approx(gain.mean())
    assert 0.45 < found.low < found.value < found.high < 0.55


def test_a_model_against_itself_differs_by_nothing():
    same = {"m": mean(np.random.default_rng(7).normal(size=30))}
    found = differences(same, same, draws=100, seed=0)["m"]
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_p_value_is_that_of_the_paired_t_test():
    generator = np.random.default_rng(11)
    base = generator.normal(0, 10, size=200)
    for gain in (0.0, 0.1, 0.2, 0.3):
        changed = base + generator.normal(gain, 1.5, size=200)
        one, other = {"m": mean(changed)}, {"m": mean(base)}
        expected = scipy.stats.ttest_rel(changed, base).pvalue
        found = differences(one, other, draws=4000, seed=0)["m"]
        assert found.p == pytest.approx(expected, abs=0.03)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
        assert differences(other, one, draws=4000, seed=0)["m"].p == found.p, "two-sided"


def test_no_difference_is_called_sure_about_5_times_in_100():
    generator = np.random.default_rng(6)
    sure = 0
    for trial in range(300):
        pairs = generator.normal(size=(2, 120))
        found = differences({"m": mean(pairs[0])}, {"m": mean(pairs[1])}, draws=400, seed=trial)["m"]
        sure += found.p < 0.05
    assert 0.02 <= sure / 300 <= 0.09


def test_no_number_of_draws_shows_a_p_of_zero():
    better, worse = {"m": mean(np.arange(50) + 100.0)}, {"m": mean(np.arange(50.0))}
    assert differences(better, worse, draws=99, seed=0)["m"].p == 2 / 100


def test_metrics_of_one_table_are_resampled_like_metrics_of_their_own():
    table = np.random.default_rng(2).uniform(1, 2, size=(40, 2))
    shared = {"a": Statistic(table, ratio), "b": Statistic(table, lambda sums: sums[..., 1])}
    apart = {name: Statistic(table.copy(), each.value) for name, each in shared.items()}
    assert intervals(shared, draws=200, seed=0) == intervals(apart, draws=200, seed=0)


def test_only_common_metrics_are_compared():
    one = {"a": mean([1.0, 2.0]), "b": mean([1.0, 2.0])}
    assert set(differences(one, {"b": mean([0.0, 1.0])}, draws=10, seed=0)) == {"b"}


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="item 1 has a value that is not finite"):
        mean([1.0, float("nan")])
    with pytest.raises(ValueError, match="at least one image"):
        mean([])
    with pytest.raises(ValueError, match=r"different numbers of images: \[2, 3\]"):
        differences({"m": mean([1.0, 2.0])}, {"m": mean([1.0, 2.0, 3.0])}, draws=10, seed=0)
    with pytest.raises(ValueError, match="draws is 0"):
        intervals({"m": mean([1.0, 2.0])}, draws=0, seed=0)
