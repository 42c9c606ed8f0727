"""What alignment changed: paired differences, means over runs, learning curves."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.report.study import (
    Estimate,
    Key,
    Pooled,
    Results,
    Run,
    located,
    read_table,
)
from hierarcaps.report.wording import replications, varied

# (objective, reference): a difference is the objective minus the reference.
COMPARISONS = {
    ("re", "zeroshot"): "RE − zero-shot",
    ("ec", "zeroshot"): "EC − zero-shot",
    ("re", "ec"): "RE − EC",
}
DIFFERENCE_COLUMNS = [
    "model", "objective", "reference", "seed", "task", "metric", "difference", "low", "high", "n",
]  # fmt: skip
ROUNDING = 1e-9


def direction(difference: Estimate) -> int:
    """Return 1 where the interval lies wholly above 0, -1 where wholly below, else 0."""
    # Means of equal items leave rounding noise, which is no difference.
    return int(difference.low > ROUNDING) - int(difference.high < -ROUNDING)


class Alignment:
    """The aligned runs among ``results``, with their paired differences and learning curves.

    Parameters
    ----------
    results: the study; only its runs are read.
    curves: ``[model, objective, seed, path of curve.csv]`` per run.

    Raises
    ------
    InputError: ``differences.csv`` or a listed curve is missing or lacks columns.
    """

    def __init__(self, results: Results, curves: Sequence[Sequence[Any]] = ()) -> None:
        self.results = results
        self._differences = _read_differences(results)
        self._curve_files = {Run(m, o, int(s)): located(path) for m, o, s, path in curves}

    @cached_property
    def curves(self) -> dict[Run, pd.DataFrame]:
        """The learning curves, by run."""
        return {run: _read_curve(path) for run, path in self._curve_files.items()}

    @cached_property
    def models(self) -> list[str]:
        """Models with an aligned run, in the order of the list."""
        return list(
            dict.fromkeys(r.model for r in self.results.runs if r.objective in ("re", "ec"))
        )

    def runs(self, model: str, objective: str) -> list[Run]:
        """Return a model's runs of one objective."""
        return [r for r in self.results.runs if (r.model, r.objective) == (model, objective)]

    def pooled(self, model: str, objective: str, key: Key) -> Pooled | None:
        """Return a metric's mean over the runs of a model."""
        return self.results.pooled(model, objective, key)

    def differences(
        self, comparison: Key, key: Key, model: str | None = None
    ) -> list[tuple[Run, Estimate]]:
        """Return the paired differences of a comparison and metric: one per model and order."""
        objective, reference = comparison
        pairs = [
            (run, self._differences.get((run, reference, *key)))
            for run in self.results.runs
            if run.objective == objective and model in (None, run.model)
        ]
        return [(run, difference) for run, difference in pairs if difference is not None]

    def pooled_difference(self, comparison: Key, key: Key, model: str) -> Pooled | None:
        """Return a paired difference's mean over runs, with its one interval."""
        objective, reference = comparison
        return self.results.pooled(model, objective, key, reference)

    def pooled_differences(self, comparison: Key, key: Key) -> dict[str, Pooled]:
        """Return the pooled difference of each model that has one."""
        found = {model: self.pooled_difference(comparison, key, model) for model in self.models}
        return {model: each for model, each in found.items() if each is not None}

    @property
    def replications(self) -> str:
        """What a mean is over: ``5 trainings``, ``3 orders of the training items``."""
        return replications(*self._numbers)

    @property
    def varied(self) -> str:
        """What an interval is over: ``trainings and items``, or ``items``."""
        return varied(*self._numbers)

    @property
    def _numbers(self) -> tuple[list[int], list[int]]:
        """Trainings of each model that has several, and orders of each objective of the others."""
        trained = [len(self.results.trainings(model)) for model in self.models]
        single = [model for model, each in zip(self.models, trained, strict=True) if each < 2]
        orders = [len(self.runs(model, each)) for model in single for each in ("re", "ec")]
        return [each for each in trained if each > 1], [each for each in orders if each]


def _read_differences(results: Results) -> dict[tuple[Run, str, str, str], Estimate]:
    path = results.root / "differences.csv"
    table = read_table(path, DIFFERENCE_COLUMNS, "compare the runs before rendering their report")
    return {
        (Run(model, objective, int(seed)), reference, task, metric): Estimate(d, low, high, int(n))
        for model, objective, reference, seed, task, metric, d, low, high, n in table[
            DIFFERENCE_COLUMNS
        ].itertuples(index=False)
    }


def _read_curve(path: Path) -> pd.DataFrame:
    columns = ("step", "split", "total")
    return read_table(path, columns, "expected the learning curve of an aligned run")
