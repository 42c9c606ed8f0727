"""What an objective changes: paired differences between runs of one model on the same rows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.tasks.protocol import Task, Values
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.metrics.intervals import (
    Interval,
    Statistic,
    paired_difference,
    paired_statistic_difference,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

# (objective, reference): the difference is objective minus reference.
COMPARISONS = (("re", "zeroshot"), ("ec", "zeroshot"), ("re", "ec"))
COLUMNS = [
    "model", "objective", "reference", "seed", "task", "metric", "difference", "low", "high", "n",
]  # fmt: skip


def write_differences(
    runs: Iterable[Run], results: str | Path, settings: Mapping[str, Any], path: str | Path
) -> None:
    """Write ``differences.csv``: every metric after minus before, with 95% intervals.

    Items vary more than two runs on one item do, so the interval of a paired difference is narrower
    than those of the two runs suggest. Rows follow the runs, for each comparison of ``COMPARISONS``
    that both runs exist for. Every alignment starts from the first seed of its model.

    Args:
        runs: the evaluated runs, whose tables are read from ``results``.
        results: folder of all results.
        settings: the ``evaluation`` section of the parameters.
        path: the CSV file, with ``COLUMNS``.

    Raises:
        InputError: a table is missing, or two are not about the same rows.
    """
    tasks = all_tasks(settings)
    runs = list(runs)
    rows = []
    for run in runs:
        for objective, reference in COMPARISONS:
            before = _reference_run(run, reference, runs)
            if run.objective == objective and before is not None:
                for task in tasks:
                    rows += _task_rows(task, run, before, Path(results), settings["bootstrap"])
    with atomic_path(path) as partial:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(partial, index=False, lineterminator="\n")


def _reference_run(run: Run, reference: str, runs: Sequence[Run]) -> Run | None:
    """Return the run to compare with: of the same seed, or the zero-shot one that was aligned."""
    found = [each for each in runs if (each.model, each.objective) == (run.model, reference)]
    if reference == "zeroshot":
        return found[0] if found else None
    return next((each for each in found if each.seed == run.seed), None)


def _task_rows(
    task: Task, run: Run, before: Run, results: Path, bootstrap: Mapping[str, int]
) -> list[tuple[Any, ...]]:
    paths = [each.folder(results) / f"{task.name}.parquet" for each in (run, before)]
    first, second = (_read_table(path) for path in paths)
    key = first.columns[0]
    if key not in second or not first[key].equals(second[key]):
        raise InputError(
            f"{paths[0]} and {paths[1]} are not about the same rows ({key}), expected results of "
            "one test set; evaluate both again"
        )
    after, reference = task.values(first), task.values(second)
    head = (run.model, run.objective, before.objective, run.seed, task.name)
    differences = {
        name: _difference(after[name], reference[name], bootstrap, first["unit"])
        for name in after
        if name in reference
    }
    return [
        (*head, name, *difference)
        for name, difference in differences.items()
        if not np.isnan(difference.value)
    ]


def _difference(
    first: Values, second: Values, bootstrap: Mapping[str, int], units: pd.Series
) -> Interval:
    seed, resamples = bootstrap["seed"], bootstrap["resamples"]
    if isinstance(first, Statistic) and isinstance(second, Statistic):
        return paired_statistic_difference(first, second, seed, resamples)
    assert isinstance(first, np.ndarray)  # one task gives both, in one form
    assert isinstance(second, np.ndarray)
    return paired_difference(first, second, seed, resamples, units)


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected the table of an evaluated run")
    return pd.read_parquet(path)
