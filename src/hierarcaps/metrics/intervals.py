"""Bootstrap intervals over items, for every number in a table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Drawn indexes held at once: what is computed from them should stay in the processor's cache.
CHUNK_ELEMENTS = 1 << 14
# Resamples of so many items in all are kept for the next metric of the same items.
KEPT_ELEMENTS = 1 << 22


class Interval(NamedTuple):
    """A mean with its 95% interval over ``n`` items; ``_asdict()`` is its form in results."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Statistic:
    """A number of a whole sample that is no mean over items: a correlation, an area under a curve.

    Attributes:
        of: maps ``(R, n)`` counts, how often each item was drawn in each of R resamples, to
            ``(R,)`` values; NaN where a resample leaves the number undefined.
        n: items of the sample.
    """

    of: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    n: int


def mean_interval(values: ArrayLike, seed: int, n_resamples: int = 2000) -> Interval:
    """Mean of per-item values with a 95% percentile bootstrap interval over items.

    Args:
        values: ``(N,)``; NaN marks an item on which the metric is undefined, and is dropped.
        seed: of the resampling; equal values and seed give an equal interval.
        n_resamples: bootstrap resamples, >= 1.

    Returns:
        The mean, the 2.5% and 97.5% quantiles of resampled means and the number of items left;
        NaN for all three where none is left.
    """
    items = np.asarray(values, dtype=np.float64)
    if items.ndim != 1:
        raise ValueError(f"expected one value per item, got shape {items.shape}")
    items = items[~np.isnan(items)]
    n = len(items)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    means = [counts @ items / n for counts in _counts(n, seed, n_resamples)]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Interval(float(items.mean()), float(low), float(high), n)


def paired_difference(
    first: ArrayLike, second: ArrayLike, seed: int, n_resamples: int = 2000
) -> Interval:
    """Mean of ``first - second`` over the same items, with its interval.

    Items vary far more than two models do on one item; the interval of the paired difference is
    therefore much narrower than two separate intervals suggest.

    Args:
        first: ``(N,)`` per-item values of one model.
        second: ``(N,)`` values of another on the same items; an item that is NaN in either is
            dropped.
        seed: of the resampling.
        n_resamples: bootstrap resamples, >= 1.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"not the same items: shapes {a.shape} and {b.shape}")
    return mean_interval(a - b, seed, n_resamples)


def statistic_interval(statistic: Statistic, seed: int, n_resamples: int = 2000) -> Interval:
    """Return a statistic of the sample with its 95% percentile bootstrap interval over items.

    Returns:
        NaN for value and interval where the sample itself leaves the statistic undefined.
    """
    value = float(statistic.of(np.ones((1, statistic.n)))[0]) if statistic.n else np.nan
    if np.isnan(value):
        return Interval(np.nan, np.nan, np.nan, statistic.n)
    counts = _counts(statistic.n, seed, n_resamples)
    low, high = np.nanquantile(np.concatenate([statistic.of(c) for c in counts]), [0.025, 0.975])
    return Interval(value, float(low), float(high), statistic.n)


def paired_statistic_difference(
    first: Statistic, second: Statistic, seed: int, n_resamples: int = 2000
) -> Interval:
    """Return ``first - second`` with its interval; both see the same resampled items."""
    if first.n != second.n:
        raise ValueError(f"not the same items: {first.n} and {second.n}")
    difference = Statistic(lambda counts: first.of(counts) - second.of(counts), first.n)
    return statistic_interval(difference, seed, n_resamples)


def _counts(n: int, seed: int, n_resamples: int) -> Iterable[NDArray[np.float64]]:
    """Return how often each of ``n`` items is in each resample, ``(R, n)``, in chunks of R."""
    if n * n_resamples <= KEPT_ELEMENTS:
        return _kept_counts(n, seed, n_resamples)
    return _drawn_counts(n, seed, n_resamples)


@lru_cache(maxsize=4)
def _kept_counts(n: int, seed: int, n_resamples: int) -> tuple[NDArray[np.float64], ...]:
    return tuple(_drawn_counts(n, seed, n_resamples))


def _drawn_counts(n: int, seed: int, n_resamples: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK_ELEMENTS // n)
    for start in range(0, n_resamples, rows):
        drawn = rng.integers(n, size=(min(rows, n_resamples - start), n))
        offsets = n * np.arange(len(drawn))[:, None]
        drawn_times = np.bincount((drawn + offsets).ravel(), minlength=drawn.size)
        counts = drawn_times.reshape(drawn.shape).astype(np.float64)
        counts.flags.writeable = False  # it is shared
        yield counts
