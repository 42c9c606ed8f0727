"""Metrics of rankings: areas under curves, rank correlation, means; plain or for resampled data.

Pure functions of arrays. ``counts (..., N)`` says how often each of N samples was drawn (ones:
the sample itself); results have the leading dimensions of ``counts``. So thousands of bootstrap
resamples cost one sort: all that a resample changes is the weight of each sample.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]


class Levels(NamedTuple):
    """The sorting order of values, where each distinct one starts in it, each sample's level."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    level: NDArray[np.intp]


def levels(values: ArrayLike) -> Levels:
    """Sort values ``(N,)``, finite, N >= 1, once for all resamples."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"expected finite values (N,), N >= 1, got shape {values.shape}")
    order = np.argsort(values, kind="stable")
    _, level, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return Levels(order, np.cumsum(sizes) - sizes, level)


def mean(values: ArrayLike, counts: ArrayLike | None = None) -> FloatArray:
    """Mean of values ``(N,)``, ``(...)``; NaN where nothing was drawn."""
    values = np.asarray(values, dtype=np.float64)
    counts = _counts(counts, values.shape)
    return _ratio(counts @ values, counts.sum(axis=-1))


def auroc(
    scores: ArrayLike | Levels, positive: ArrayLike, counts: ArrayLike | None = None
) -> FloatArray:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    Args:
        scores: ``(N,)``, finite, higher is more positive; or their ``levels``.
        positive: ``(N,)`` bool.
        counts: ``(..., N)``, >= 0.

    Returns:
        ``(...)`` in ``[0, 1]``; chance is .5. NaN without a positive or without a negative.
    """
    return auroc_of_weights(*_weights_of_levels(scores, positive, counts))


def auroc_of_weights(positives: FloatArray, negatives: FloatArray) -> FloatArray:
    """:func:`auroc` of the weights ``(..., L)`` of positives and negatives at rising scores."""
    below = np.cumsum(negatives, axis=-1) - negatives
    wins = (positives * (below + 0.5 * negatives)).sum(axis=-1)
    return _ratio(wins, positives.sum(axis=-1) * negatives.sum(axis=-1))


def average_precision(
    scores: ArrayLike | Levels, positive: ArrayLike, counts: ArrayLike | None = None
) -> FloatArray:
    """Average precision ``sum_k (R_k - R_(k-1)) P_k`` over the distinct scores, highest first.

    Equal scores are one threshold, so the result does not depend on the order of the samples.

    Returns:
        ``(...)`` in ``[0, 1]``; chance is the share of positives. NaN without a positive.
    """
    return average_precision_of_weights(*_weights_of_levels(scores, positive, counts))


def average_precision_of_weights(positives: FloatArray, negatives: FloatArray) -> FloatArray:
    """:func:`average_precision` of weights, as :func:`auroc_of_weights`."""
    positives, negatives = positives[..., ::-1], negatives[..., ::-1]
    found = np.cumsum(positives, axis=-1)
    accepted = found + np.cumsum(negatives, axis=-1)
    precision = np.divide(found, accepted, out=np.zeros_like(found), where=accepted > 0)
    return _ratio((positives * precision).sum(axis=-1), found[..., -1])


class UnitLevels:
    """At which distinct scores each of ``U`` units has positives and negatives, and how many.

    Of samples that are drawn together, as their unit is: the weights of levels are one sparse
    product for all resamples.
    """

    def __init__(self, scores: ArrayLike, positive: ArrayLike, unit: ArrayLike) -> None:
        """Sort scores ``(N,)`` of samples that are ``positive (N,)`` or not, of ``unit (N,)``."""
        level, unit = levels(scores).level, np.asarray(unit)
        positive = np.asarray(positive, dtype=bool)
        shape = (int(level.max()) + 1, int(unit.max()) + 1)
        self._of_units = [
            csr_array((np.ones(part.sum()), (level[part], unit[part])), shape)
            for part in (positive, ~positive)
        ]

    def weights(self, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return those of positives and negatives ``(R, L)`` where units are drawn so often.

        Args:
            counts: ``(R, U)``.
        """
        positives, negatives = (np.ascontiguousarray((m @ counts.T).T) for m in self._of_units)
        return positives, negatives


def spearman(
    first: ArrayLike | Levels, second: ArrayLike | Levels, counts: ArrayLike | None = None
) -> FloatArray:
    """Spearman's rank correlation, tied values sharing their mean rank.

    Args:
        first: ``(N,)``, finite; or their ``levels``.
        second: ``(N,)``, finite; or their ``levels``.
        counts: ``(..., N)``, >= 0.

    Returns:
        ``(...)`` in ``[-1, 1]``; NaN where either side is constant.
    """
    first, second = _levels(first), _levels(second)
    counts = _counts(counts, first.level.shape)
    total = counts.sum(axis=-1, keepdims=True)
    # Ranks from 1 to the total: their mean needs no sum.
    a = _mid_ranks(first, counts) - (total + 1) / 2
    b = _mid_ranks(second, counts) - (total + 1) / 2
    covariance = (counts * a * b).sum(axis=-1)
    variances = (counts * a * a).sum(axis=-1) * (counts * b * b).sum(axis=-1)
    return _ratio(covariance, np.sqrt(variances))


def _counts(counts: ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    counts = np.ones(shape) if counts is None else np.asarray(counts, dtype=np.float64)
    if counts.shape[-1:] != shape or len(shape) != 1:
        raise ValueError(f"expected (N,) values and (..., N) counts, got {shape}, {counts.shape}")
    return counts


def _weights_of_levels(
    scores: ArrayLike | Levels, positive: ArrayLike, counts: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Weights ``(..., L)`` of the positives and negatives at each distinct score, rising."""
    order, starts, _ = _levels(scores)
    positive = np.asarray(positive, dtype=bool)
    counts = _counts(counts, positive.shape)
    if len(order) != len(positive):
        raise ValueError(f"{len(order)} scores, but {len(positive)} labels")
    ordered, positive = np.take(counts, order, axis=-1), positive[order]
    weights = ordered * positive, ordered * ~positive
    if len(starts) == len(order):  # no ties
        return weights
    of_positive, of_negative = (np.add.reduceat(each, starts, axis=-1) for each in weights)
    return of_positive, of_negative


def _levels(values: ArrayLike | Levels) -> Levels:
    return values if isinstance(values, Levels) else levels(values)


def _mid_ranks(values: Levels, counts: FloatArray) -> FloatArray:
    """Mean rank ``(..., N)`` of each sample among all that were drawn, from 1."""
    order, starts, level = values
    weights = np.add.reduceat(counts[..., order], starts, axis=-1)
    ranks = np.cumsum(weights, axis=-1) - weights + (weights + 1) / 2
    return ranks[..., level]


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    undefined = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=np.asarray(denominator) > 0)
