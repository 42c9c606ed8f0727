"""Ranking metrics against plain definitions and against resampling by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hierarcaps.metrics.ranking import (
    UnitLevels,
    auroc,
    auroc_of_weights,
    average_precision,
    average_precision_of_weights,
    levels,
    spearman,
)

# Few distinct values, so that ties abound.
VALUES = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.booleans()), min_size=3, max_size=25
)


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_auroc_counts_pairs(rows):
    scores, _, positive = map(np.array, zip(*rows, strict=True))
    pairs = [0.5 * (p == n) + (p > n) for p in scores[positive] for n in scores[~positive]]
    np.testing.assert_allclose(auroc(scores, positive), np.mean(pairs) if pairs else np.nan)


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_average_precision_sums_over_thresholds(rows):
    scores, _, positive = map(np.array, zip(*rows, strict=True))
    if not positive.any():
        assert np.isnan(average_precision(scores, positive))
        return
    total = before = 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        accepted = scores >= threshold
        recall = positive[accepted].sum() / positive.sum()
        total += (recall - before) * positive[accepted].mean()
        before = recall
    np.testing.assert_allclose(average_precision(scores, positive), total)


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_spearman_is_scipys(rows):
    first, second, _ = map(np.array, zip(*rows, strict=True))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert np.isnan(spearman(first, second))
    else:
        expected = stats.spearmanr(first, second).statistic
        np.testing.assert_allclose(spearman(first, second), expected, atol=1e-12)
        np.testing.assert_allclose(spearman(levels(first), second), expected, atol=1e-12)


@pytest.mark.parametrize("metric", ["auroc", "average_precision", "spearman"])
def test_counts_repeat_samples(metric):
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, 40), rng.integers(0, 5, 40)
    if metric != "spearman":
        second = second > 2
    function = {"auroc": auroc, "average_precision": average_precision, "spearman": spearman}[
        metric
    ]
    drawn = rng.integers(40, size=(7, 40))
    counts = np.array([np.bincount(row, minlength=40) for row in drawn])
    by_hand = [function(first[row], second[row]) for row in drawn]
    np.testing.assert_allclose(function(first, second, counts), by_hand, atol=1e-12)


@pytest.mark.parametrize(
    ("of_weights", "metric"),
    [(auroc_of_weights, auroc), (average_precision_of_weights, average_precision)],
)
@pytest.mark.parametrize("ties", [True, False])
def test_drawing_units_is_drawing_all_their_samples(of_weights, metric, ties):
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 9, 60) if ties else rng.normal(size=60)
    positive, unit = rng.random(60) < 0.4, rng.integers(0, 12, 60)
    unit[:12] = np.arange(12)
    counts = rng.integers(0, 4, (7, 12)).astype(float)
    found = of_weights(*UnitLevels(scores, positive, unit).weights(counts))
    # To the last digit: the weights are whole numbers, added in the same order.
    np.testing.assert_array_equal(found, metric(levels(scores), positive, counts[:, unit]))


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="expected"):
        spearman([1.0, np.nan], [1, 2])
    with pytest.raises(ValueError, match="counts"):
        auroc([1, 2, 3], [True, False, True], np.ones((2, 4)))
