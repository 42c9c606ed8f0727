"""Intervals over what varies independently, for every number in a table.

Rows of one **unit** (the captions of one image, the pairs of one concept) are no independent
evidence: they are drawn together. Where a row has two units (the two words of a pair) and shares
each with other rows, no resampling of one kind is right, and a jackknife takes its place.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import stdtrit

NORMAL = 1.96  # half of the width of 95% of the normal distribution
# Drawn indexes held at once: what is computed from them should stay in the processor's cache.
CHUNK_ELEMENTS = 1 << 14
# Resamples of so many items in all are kept for the next metric of as many items.
KEPT_ELEMENTS = 1 << 22


class Interval(NamedTuple):
    """A number with its 95% interval over ``n`` units; ``_asdict()`` is its form in results."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Statistic:
    """A number of a whole sample that is no mean over rows: a correlation, an area under a curve.

    Attributes:
        of: maps ``(R, n)`` counts, how often each unit was drawn in each of R resamples, to
            ``(R,)`` values; NaN where a resample leaves the number undefined.
        n: units of the sample.
        members: ``(n, 2)`` whole numbers, the two things that each unit is a pair of; pairs that
            share one are not independent. None where units are.
    """

    of: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    n: int
    members: NDArray[np.intp] | None = None
    _known: dict["Draws", NDArray[np.float64]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def over(self, draws: "Draws") -> NDArray[np.float64]:
        """Return the statistic in each of R samples, ``(R,)``, computed once.

        One model's statistic is a part of many differences and means, over the same resamples.
        """
        if draws not in self._known:
            self._known[draws] = self._computed(draws)
        return self._known[draws]

    def _computed(self, draws: "Draws") -> NDArray[np.float64]:
        return np.concatenate([self.of(counts) for counts in draws.counts()])


@dataclass(frozen=True)
class _Combination(Statistic):
    """A function of the values that other statistics have in the same sample."""

    parts: tuple[Statistic, ...] = ()
    combine: Callable[[list[NDArray[np.float64]]], NDArray[np.float64]] = lambda values: values[0]

    def _computed(self, draws: "Draws") -> NDArray[np.float64]:
        return self.combine([part.over(draws) for part in self.parts])


@dataclass(frozen=True)
class Resamples:
    """``number`` bootstrap resamples of ``n`` units."""

    n: int
    seed: int
    number: int

    def counts(self) -> Iterable[NDArray[np.float64]]:
        """Return how often each unit is in each resample, ``(R, n)``, in chunks of R."""
        if self.n * self.number > KEPT_ELEMENTS:
            return _drawn_counts(self.n, self.seed, self.number)
        return (chunk.astype(np.float64) for chunk in _kept_counts(self.n, self.seed, self.number))


@dataclass(frozen=True)
class _LeftOut:
    """The samples without one of ``n`` units, in their order."""

    n: int

    def counts(self) -> Iterator[NDArray[np.float64]]:
        for start in range(0, self.n, step := max(1, CHUNK_ELEMENTS // self.n)):
            rows = np.arange(start, min(start + step, self.n))
            counts = np.ones((len(rows), self.n))
            counts[np.arange(len(rows)), rows] = 0
            yield counts


Draws = Resamples | _LeftOut

# Per-row values (N,), NaN where the metric is undefined on a row, or a statistic.
Measure = NDArray[np.float64] | Statistic


def mean_interval(
    values: ArrayLike, seed: int, n_resamples: int = 2000, units: ArrayLike | None = None
) -> Interval:
    """Mean of per-row values with a 95% percentile bootstrap interval over units.

    Args:
        values: ``(N,)``; NaN marks a row on which the metric is undefined, and is dropped.
        seed: of the resampling; equal values, units and seed give an equal interval.
        n_resamples: bootstrap resamples, >= 1.
        units: ``(N,)``, what each row belongs to; rows of one unit are drawn together. None: each
            row is a unit. The order of rows with units changes nothing.

    Returns:
        The mean, the 2.5% and 97.5% quantiles of resampled means and the number of units left;
        NaN for all three where none is left.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1:
        raise ValueError(f"expected one value per row, got shape {rows.shape}")
    rows, unit = _defined(rows, units)
    if len(rows) == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    sums, sizes = np.bincount(unit, weights=rows), np.bincount(unit).astype(np.float64)
    draws = Resamples(len(sums), seed, n_resamples)
    means = [(drawn @ sums) / (drawn @ sizes) for drawn in draws.counts()]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Interval(float(rows.mean()), float(low), float(high), len(sums))


def _defined(
    rows: NDArray[np.float64], units: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the rows, (N,) or (N, K), that are not NaN anywhere, and the number of each's unit."""
    defined = ~np.isnan(rows.reshape(len(rows), -1)).any(axis=1)
    if units is None:
        return rows[defined], np.arange(np.count_nonzero(defined))
    return rows[defined], np.unique(np.asarray(units)[defined], return_inverse=True)[1]


def difference(first: Measure, second: Measure) -> Measure:
    """Return ``first - second`` of the same rows or units, paired.

    Items vary far more than two models do on one item; the interval of the paired difference is
    therefore much narrower than two separate intervals suggest. A row that is NaN in either is NaN.

    Args:
        first: ``(N,)`` per-row values of one model, or a statistic.
        second: the same of another model on the same rows.

    Raises:
        ValueError: not of the same number of rows, or of two forms.
    """
    return _combine((first, second), lambda values: values[0] - values[1])


def average(measures: Sequence[Measure]) -> Measure:
    """Return the mean of one measure over several models, on the same rows or units.

    Its interval draws units once, the same ones for all models, so that models that share their
    items are no independent evidence. A row counts only where it is defined for every model: each
    is then judged on the same rows. A statistic that is undefined for one model is undefined.

    Args:
        measures: of each model, ``(N,)`` per-row values or a statistic; at least one.

    Raises:
        ValueError: as :func:`difference`.
    """
    return _combine(measures, lambda values: np.mean(values, axis=0))


def replicated_interval(
    measures: Sequence[Measure],
    seed: int,
    n_resamples: int = 2000,
    units: ArrayLike | None = None,
) -> Interval:
    """Mean of one measure over several trainings, with a 95% interval over trainings and units.

    A hierarchical bootstrap: each resample draws trainings, and units, the same ones for all of
    them. Trainings are few, and the bootstrap of few is too narrow. So k - 1 of k are drawn, which
    makes the variance between them right (Rao and Wu, 1988, "Resampling inference with complex
    survey data"), and what a draw changes is widened as Student's t of k - 1 degrees of freedom is
    wider than the normal. Pairs that share members have the jackknife's interval over pairs and
    Student's of the mean over trainings, added in squares.

    Args:
        measures: of each training, as for :func:`average`; at least two.
        seed: of the resampling.
        n_resamples: bootstrap resamples, >= 1.
        units: of rows, as for :func:`mean_interval`.

    Returns:
        The mean, its interval and the number of units; NaN where the measure is undefined.

    Raises:
        ValueError: one training, or as :func:`difference`.
    """
    if len(measures) < 2:
        raise ValueError("expected two trainings or more: one says nothing of others")
    mean = average(measures)
    if isinstance(mean, _Combination):
        return _replicated_statistic(mean, seed, n_resamples)
    rows = np.stack([np.asarray(each, dtype=np.float64) for each in measures], axis=1)
    rows, unit = _defined(rows, units)
    if len(rows) == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    sums = np.stack([np.bincount(unit, weights=column) for column in rows.T], axis=1)
    sizes = np.bincount(unit).astype(np.float64)
    draws = Resamples(len(sums), seed, n_resamples)
    means = [(drawn @ sums) / (drawn @ sizes)[:, None] for drawn in draws.counts()]
    low, high = _over_trainings(np.concatenate(means), seed)
    return Interval(float(rows.mean()), low, high, len(sums))


def _replicated_statistic(mean: "_Combination", seed: int, n_resamples: int) -> Interval:
    over_units = statistic_interval(mean, seed, n_resamples)
    if np.isnan(over_units.value):
        return over_units
    if mean.members is None:
        draws = Resamples(mean.n, seed, n_resamples)
        values = np.stack([part.over(draws) for part in mean.parts], axis=1)
        low, high = _over_trainings(values, seed)
        return over_units._replace(low=low, high=high)
    whole = np.ones((1, mean.n))
    trainings = np.array([float(part.of(whole)[0]) for part in mean.parts])
    error = float(np.std(trainings, ddof=1)) / np.sqrt(len(trainings))
    half = np.hypot(over_units.high - over_units.value, NORMAL * _widening(len(trainings)) * error)
    value = over_units.value
    return over_units._replace(low=value - float(half), high=value + float(half))


def _over_trainings(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Return the quantiles of ``(R, k)`` values of k trainings, of which each row draws k - 1."""
    resamples, trainings = values.shape
    # A stream of its own: trainings are drawn independently of units.
    rng = np.random.default_rng([seed, trainings])
    drawn = rng.multinomial(trainings - 1, [1 / trainings] * trainings, size=resamples)
    whole = 1 / trainings
    weights = whole + _widening(trainings) * (drawn / (trainings - 1) - whole)
    low, high = np.nanquantile(np.sum(weights * values, axis=1), [0.025, 0.975])
    return float(low), float(high)


def _widening(trainings: int) -> float:
    """Return how much wider 95% of Student's t are than of the normal distribution."""
    return float(stdtrit(trainings - 1, 0.975)) / NORMAL


def _combine(
    measures: Sequence[Measure], combine: Callable[[list[NDArray[np.float64]]], NDArray[np.float64]]
) -> Measure:
    """Return a function of per-row values, or of the values of statistics in each resample."""
    statistics = [each for each in measures if isinstance(each, Statistic)]
    if not statistics:
        rows = [np.asarray(each, dtype=np.float64) for each in measures]
        if len({each.shape for each in rows}) > 1:
            raise ValueError(f"not the same rows: shapes {', '.join(str(r.shape) for r in rows)}")
        return combine(rows)
    sizes = {each.n for each in statistics}
    if len(sizes) > 1 or len(statistics) < len(measures):
        raise ValueError(f"not the same items: {', '.join(map(str, sorted(sizes)))}")
    # What pairs share is a fact of the items, the same for every model.
    return _Combination(
        lambda counts: combine([each.of(counts) for each in statistics]),
        statistics[0].n,
        statistics[0].members,
        tuple(statistics),
        combine,
    )


def statistic_interval(statistic: Statistic, seed: int, n_resamples: int = 2000) -> Interval:
    """Return a statistic of the sample with its 95% interval over units.

    It is the percentile bootstrap's; for pairs that share members, that of the jackknife.

    Returns:
        NaN for value and interval where the sample itself leaves the statistic undefined, or where
        it has too few pairs for an interval.
    """
    value = float(statistic.of(np.ones((1, statistic.n)))[0]) if statistic.n else np.nan
    if np.isnan(value):
        return Interval(np.nan, np.nan, np.nan, statistic.n)
    if statistic.members is not None:
        half = NORMAL * _standard_error_of_pairs(statistic, statistic.members)
        value = value if np.isfinite(half) else np.nan
        return Interval(value, value - half, value + half, statistic.n)
    resampled = statistic.over(Resamples(statistic.n, seed, n_resamples))
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return Interval(value, float(low), float(high), statistic.n)


def _standard_error_of_pairs(statistic: Statistic, members: NDArray[np.intp]) -> float:
    """Return the standard error where pairs with a common member may vary together.

    The jackknife's influence of each pair, summed over all pairs of pairs that share a member
    (Aronow, Samii and Assenova, 2015, "Cluster-robust variance estimation for dyadic data"). Not
    less than that of independent pairs, below which the estimate can fall by chance. NaN where the
    statistic is undefined without any one pair.
    """
    n = statistic.n
    left_out = statistic.over(_LeftOut(n))
    if np.isnan(left_out).all():
        return np.nan
    influence = np.nan_to_num(np.nanmean(left_out) - left_out)
    pair, member = np.repeat(np.arange(n), 2), np.unique(members, return_inverse=True)[1].ravel()
    incidence = csr_array((np.ones(2 * n), (pair, member)))
    share = (incidence @ incidence.T).astype(bool).astype(np.float64)
    variance = max(influence @ (share @ influence), influence @ influence)
    return float(np.sqrt(variance * (n - 1) / n))


@lru_cache(maxsize=32)
def _kept_counts(n: int, seed: int, n_resamples: int) -> tuple[NDArray[np.unsignedinteger], ...]:
    # In whole numbers as short as they can be: the metrics of a task are of many different n.
    kept = np.min_scalar_type(n)
    return tuple(chunk.astype(kept) for chunk in _drawn_counts(n, seed, n_resamples))


def _drawn_counts(n: int, seed: int, n_resamples: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK_ELEMENTS // n)
    for start in range(0, n_resamples, rows):
        drawn = rng.integers(n, size=(min(rows, n_resamples - start), n))
        offsets = n * np.arange(len(drawn))[:, None]
        drawn_times = np.bincount((drawn + offsets).ravel(), minlength=drawn.size)
        yield drawn_times.reshape(drawn.shape).astype(np.float64)
