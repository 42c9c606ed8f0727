"""Bootstrap intervals: coverage, determinism, missing values."""

import numpy as np
import pytest

from hierarcaps.metrics import intervals
from hierarcaps.metrics.intervals import (
    Statistic,
    mean_interval,
    paired_difference,
    paired_statistic_difference,
    statistic_interval,
)


def test_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    interval = mean_interval(values, seed=1)
    half_width = 1.96 * values.std() / np.sqrt(1000)
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half_width, abs=0.1 * half_width)
    assert interval.high == pytest.approx(values.mean() + half_width, abs=0.1 * half_width)
    assert interval.n == 1000


def test_interval_covers_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(300):
        interval = mean_interval(rng.exponential(size=150), seed, n_resamples=300)
        hits += interval.low <= 1.0 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


def test_seed_decides() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_chunks_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=50)
    whole = mean_interval(values, seed=3)
    monkeypatch.setattr(intervals, "CHUNK_ELEMENTS", 100)
    assert mean_interval(values, seed=3) == whole


def test_undefined_items_are_dropped() -> None:
    values = [0.0, 1.0, np.nan, 1.0]
    assert mean_interval(values, seed=0) == mean_interval([0.0, 1.0, 1.0], seed=0)
    nothing = mean_interval([np.nan], seed=0)
    assert nothing.n == 0
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_one_item_has_no_width() -> None:
    assert mean_interval([0.25], seed=0) == (0.25, 0.25, 0.25, 1)


def test_paired_difference_is_narrower_than_the_parts() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=400)
    better = base + 0.1 + 0.05 * rng.normal(size=400)
    difference = paired_difference(better, base, seed=0)
    assert difference.low > 0.09
    assert difference.high - difference.low < 0.02
    single = mean_interval(better, seed=0)
    assert single.high - single.low > 0.1


def test_paired_difference_needs_the_same_items() -> None:
    assert paired_difference([1.0, np.nan, 3.0], [0.0, 0.0, np.nan], seed=0).n == 1
    with pytest.raises(ValueError, match="same items"):
        paired_difference([1.0, 2.0], [1.0], seed=0)


def _mean_of(values: np.ndarray) -> Statistic:
    return Statistic(lambda counts: counts @ values / counts.sum(axis=1), len(values))


def test_a_mean_as_a_statistic_has_the_interval_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(size=60)
    np.testing.assert_allclose(
        statistic_interval(_mean_of(values), seed=3), mean_interval(values, seed=3), rtol=1e-12
    )


def test_an_undefined_statistic_has_no_interval() -> None:
    undefined = Statistic(lambda counts: np.full(len(counts), np.nan), 5)
    assert np.isnan(statistic_interval(undefined, seed=0)[:3]).all()


def test_paired_statistics_see_the_same_resamples() -> None:
    values = np.random.default_rng(0).normal(size=60)
    difference = paired_statistic_difference(_mean_of(values + 1), _mean_of(values), seed=0)
    np.testing.assert_allclose(difference[:3], [1, 1, 1], rtol=1e-12)
    with pytest.raises(ValueError, match="not the same items"):
        paired_statistic_difference(_mean_of(values), _mean_of(values[:5]), seed=0)
