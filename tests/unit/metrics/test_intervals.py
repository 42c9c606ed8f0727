"""Bootstrap intervals: coverage, determinism, missing values."""

from dataclasses import replace

import numpy as np
import pytest

from hierarcaps.metrics import intervals
from hierarcaps.metrics.intervals import (
    Statistic,
    average,
    difference,
    mean_interval,
    replicated_interval,
    statistic_interval,
)
from hierarcaps.metrics.ranking import auroc, levels, spearman


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


def test_rows_of_one_unit_are_no_independent_evidence() -> None:
    """Five captions of an image rise and fall together: by rows 95% would be some 70%."""
    rng = np.random.default_rng(0)
    hits = {"units": 0, "rows": 0}
    units = np.repeat(np.arange(80), 5)
    for seed in range(300):
        values = np.repeat(rng.normal(size=80), 5) + 0.3 * rng.normal(size=400)
        for kind, each in (("units", units), ("rows", None)):
            interval = mean_interval(values, seed, n_resamples=300, units=each)
            hits[kind] += interval.low <= 0 <= interval.high
    assert 0.91 <= hits["units"] / 300 <= 0.98
    assert hits["rows"] / 300 < 0.8


def test_the_order_of_rows_with_units_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    values, units = rng.normal(size=60), rng.permutation(np.arange(60) // 3).astype(str)
    order = rng.permutation(60)
    first = mean_interval(values, 0, units=units)
    assert mean_interval(values[order], 0, units=units[order]) == pytest.approx(first)
    assert first.n == 20


def test_an_area_under_a_curve_by_units_covers_the_truth() -> None:
    """Positives and negatives of one image share its difficulty."""
    rng = np.random.default_rng(1)
    hits = {"units": 0, "rows": 0}
    unit, positive = np.repeat(np.arange(40), 6), np.tile([True, False], 120)
    for seed in range(150):
        scores = np.repeat(rng.normal(size=40), 6) * np.where(positive, 1, -1)
        ranked = levels(scores + 0.5 * rng.normal(size=240))
        by_unit = Statistic(lambda n, r=ranked: auroc(r, positive, n[:, unit]), 40)
        by_row = Statistic(lambda n, r=ranked: auroc(r, positive, n), 240)
        for kind, statistic in (("units", by_unit), ("rows", by_row)):
            interval = statistic_interval(statistic, seed, 300)
            hits[kind] += interval.low <= 0.5 <= interval.high
    assert 0.89 <= hits["units"] / 150 <= 0.99
    assert hits["rows"] / 150 < 0.8


@pytest.mark.parametrize("shared", [True, False])
def test_pairs_that_share_a_word_may_vary_together(shared: bool) -> None:
    """Spearman's rho over pairs of 80 words; what a word adds to its pairs is common to them."""
    rng = np.random.default_rng(2)
    hits = {"words": 0, "pairs": 0}
    of_words = 2.0 if shared else 0.0
    for seed in range(200):
        members = np.array([rng.choice(80, size=2, replace=False) for _ in range(200)])
        grade, score = (
            of_words * rng.normal(size=80)[members].sum(axis=1) + rng.normal(size=200)
            for _ in range(2)
        )
        for kind, each in (("words", members), ("pairs", None)):
            of = lambda counts, a=grade, b=score: spearman(a, b, counts)  # noqa: E731
            interval = statistic_interval(Statistic(of, 200, each), seed, 300)
            hits[kind] += interval.low <= 0 <= interval.high
    assert 0.9 <= hits["words"] / 200 <= 0.99
    assert hits["pairs"] / 200 < 0.85 if shared else hits["pairs"] / 200 > 0.9


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
    paired = mean_interval(difference(better, base), seed=0)
    assert paired.low > 0.09
    assert paired.high - paired.low < 0.02
    single = mean_interval(better, seed=0)
    assert single.high - single.low > 0.1


def test_paired_difference_needs_the_same_items() -> None:
    first, second = np.array([1.0, np.nan, 3.0]), np.array([0.0, 0.0, np.nan])
    assert mean_interval(difference(first, second), seed=0).n == 1
    with pytest.raises(ValueError, match="same rows"):
        difference(first, np.array([1.0]))


def test_the_mean_over_orders_of_training_items_covers_the_truth() -> None:
    """Three models that differ in the order of training are much alike on each item.

    As if each were its own evidence, intervals would be too narrow by half.
    """
    rng = np.random.default_rng(3)
    hits = {"pooled": 0, "rows": 0}
    units = np.repeat(np.arange(60), 2)
    for seed in range(300):
        before = rng.normal(size=120)
        shared = 0.2 + np.repeat(rng.normal(size=60), 2)  # what alignment changes on an image
        orders = [before + shared + 0.3 * rng.normal(size=120) for _ in range(3)]
        changes = [difference(after, before) for after in orders]
        pooled = mean_interval(average(changes), seed, 300, units)
        rows = mean_interval(np.concatenate(changes), seed, 300)
        for kind, interval in (("pooled", pooled), ("rows", rows)):
            hits[kind] += interval.low <= 0.2 <= interval.high
            assert interval.value == pytest.approx(np.mean(changes))
        assert pooled.n == 60
    assert 0.91 <= hits["pooled"] / 300 <= 0.98
    assert hits["rows"] / 300 < 0.75


@pytest.mark.parametrize("trainings", [3, 5])
def test_an_interval_over_trainings_covers_the_truth(trainings: int) -> None:
    """What one training has in common on all items is no evidence of another's."""
    rng = np.random.default_rng(5)
    hits = {"replicated": 0, "items": 0}
    for seed in range(300):
        own = 0.2 + 0.1 * rng.normal(size=trainings)  # what alignment changes in each training
        shared = rng.normal(size=100)
        changes = [each + 0.5 * shared + 0.3 * rng.normal(size=100) for each in own]
        replicated = replicated_interval(changes, seed, 300)
        items = mean_interval(average(changes), seed, 300)
        assert replicated.value == pytest.approx(items.value)
        for kind, interval in (("replicated", replicated), ("items", items)):
            hits[kind] += interval.low <= 0.2 <= interval.high
    assert 0.92 <= hits["replicated"] / 300 <= 0.99
    assert hits["items"] / 300 < 0.9


def test_equal_trainings_have_the_interval_over_items() -> None:
    values = np.random.default_rng(0).normal(size=(60,))
    units = np.repeat(np.arange(20), 3)
    assert replicated_interval([values] * 4, 0, 300, units) == pytest.approx(
        mean_interval(values, 0, 300, units)
    )
    with pytest.raises(ValueError, match="two trainings or more"):
        replicated_interval([values], 0)
    nothing = replicated_interval([values, np.full(60, np.nan)], 0)
    assert nothing.n == 0


def test_statistics_are_replicated_as_means_are() -> None:
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=50) + shift for shift in (0.0, 0.5, 1.0)]
    means = replicated_interval(rows, 3, 400)
    statistics = replicated_interval([_mean_of(each) for each in rows], 3, 400)
    assert statistics == pytest.approx(means)
    pairs = [replace(_mean_of(each), members=np.arange(100).reshape(50, 2)) for each in rows]
    by_jackknife = replicated_interval(pairs, 3)
    assert by_jackknife.value == pytest.approx(means.value)
    items = statistic_interval(average(pairs), 3)
    assert by_jackknife.high - by_jackknife.low > 3 * (items.high - items.low)


def test_the_mean_of_correlations_over_orders_covers_the_truth() -> None:
    """What pairs share stays shared: rho of three orders, over pairs of words."""
    rng = np.random.default_rng(4)
    hits = {"words": 0, "pairs": 0}
    for seed in range(150):
        members = np.array([rng.choice(60, size=2, replace=False) for _ in range(150)])
        grade, common = (
            2 * rng.normal(size=60)[members].sum(axis=1) + rng.normal(size=150) for _ in range(2)
        )
        orders = [common + 0.3 * rng.normal(size=150) for _ in range(3)]
        for kind, each in (("words", members), ("pairs", None)):
            statistics = [
                Statistic(lambda n, s=score, g=grade: spearman(g, s, n), 150, each)
                for score in orders
            ]
            pooled = average(statistics)
            assert isinstance(pooled, Statistic)
            interval = statistic_interval(pooled, seed, 300)
            hits[kind] += interval.low <= 0 <= interval.high
    assert 0.9 <= hits["words"] / 150 <= 0.99
    assert hits["pairs"] / 150 < 0.85


def test_a_row_counts_where_every_order_has_it() -> None:
    first, second = np.array([1.0, np.nan, 3.0]), np.array([3.0, 5.0, 5.0])
    assert mean_interval(average([first, second]), seed=0)[::3] == (3.0, 2)
    undefined = Statistic(lambda counts: np.full(len(counts), np.nan), 3)
    pooled = average([_mean_of(second), undefined])
    assert isinstance(pooled, Statistic)
    assert np.isnan(statistic_interval(pooled, seed=0).value)
    with pytest.raises(ValueError, match="not the same items"):
        average([first, _mean_of(second)])


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
    paired = difference(_mean_of(values + 1), _mean_of(values))
    assert isinstance(paired, Statistic)
    np.testing.assert_allclose(statistic_interval(paired, seed=0)[:3], [1, 1, 1], rtol=1e-12)
    with pytest.raises(ValueError, match="not the same items"):
        difference(_mean_of(values), _mean_of(values[:5]))


def test_a_statistic_is_computed_once_for_all_that_it_is_a_part_of() -> None:
    asked: list[int] = []

    def of(counts: np.ndarray) -> np.ndarray:
        asked.append(len(counts))
        return counts @ np.arange(30.0) / counts.sum(axis=1)

    first, second = Statistic(of, 30), _mean_of(np.ones(30))
    paired = [difference(first, second), difference(second, first), average([first, second])]
    rises = [statistic_interval(each, 0, 50)[:3] for each in paired[:2]]
    np.testing.assert_allclose(rises[0], [-rises[1][0], -rises[1][2], -rises[1][1]])
    statistic_interval(paired[2], 0, 50)
    assert sum(asked) == 50 + len(paired)  # the resamples once; the whole sample for each
