"""What an objective changes: paired differences between runs of one model on the same rows.

A model that was pre-trained from several seeds is replicated: each alignment starts from the
pre-training of its own seed, differences are paired within a training, and their mean has an
interval over trainings and items. Where there is one checkpoint, the runs of an objective are
orders of the same training items, and the interval of their mean is over items alone. Items are
drawn once for all runs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hierarcaps.evaluation.results import POOLED_COLUMNS, Run, codes, interval_of
from hierarcaps.evaluation.tasks.protocol import Task, Values
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.metrics.intervals import average, difference, replicated_interval
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

COLUMNS = [
    "model", "objective", "reference", "seed", "task", "metric", "difference", "low", "high", "n",
]  # fmt: skip


class Measured(NamedTuple):
    """A metric's values over rows, or its statistic, and the unit of each row."""

    values: Values
    units: pd.Series


class _Table(NamedTuple):
    """A task's table of a run: what its rows are about, and what was measured on them."""

    task: str
    path: Path
    rows: pd.Series
    units: pd.Series
    values: Mapping[str, Values]


# Of a run and what it is compared with ("" for nothing): task and metric -> measured.
Comparison = dict[tuple[str, str], Measured]


def write_differences(
    runs: Iterable[Run],
    results: str | Path,
    settings: Mapping[str, Any],
    path: str | Path,
    pooled_path: str | Path,
) -> None:
    """Write ``differences.csv`` and ``pooled.csv``: what alignment changes, with 95% intervals.

    Items vary more than two runs on one item do, so the interval of a paired difference is narrower
    than those of the two runs suggest. Rows follow the runs: every objective is compared with the
    model before alignment, and an ``re`` of some recipe with the ``ec`` of the same one
    (``re-slow`` with ``ec-slow``), where both exist.

    The pooled table has a row per objective and metric of a model that was aligned or has several
    trainings: the mean over runs of the metric itself (``reference`` empty) and of each difference.
    Its interval is over trainings and items where there are several trainings
    (:func:`hierarcaps.metrics.intervals.replicated_interval`), and over items for these runs
    otherwise, as ``items_low`` and ``items_high`` are always
    (:func:`hierarcaps.metrics.intervals.average`): a row that is undefined in some of the runs
    counts in none, and a statistic that is undefined in one of them has no pooled value.

    Args:
        runs: the evaluated runs, whose tables are read from ``results``.
        results: folder of all results.
        settings: the ``evaluation`` section of the parameters.
        path: the CSV file of differences, a row per run, with ``COLUMNS``.
        pooled_path: the CSV file of means over runs, with ``POOLED_COLUMNS``.

    Raises:
        InputError: a table is missing, or two are not about the same rows.
    """
    runs, tasks = list(runs), all_tasks(settings)

    @cache  # a run is part of many comparisons
    def tables(run: Run) -> list[_Table]:
        return _tables(tasks, run.folder(results))

    compared = {
        (run, reference): _compare(tables(run), tables(before) if before else None)
        for run in runs
        for reference, before in _references(run, runs)
    }
    rows = [
        (run.model, run.objective, reference, run.seed, *numbers)
        for (run, reference), comparison in compared.items()
        if reference
        for numbers in _intervals(comparison, settings["bootstrap"])
    ]
    groups: dict[tuple[str, str, str], list[Comparison]] = {}
    for (run, reference), comparison in compared.items():
        groups.setdefault((run.model, run.objective, reference), []).append(comparison)
    pooled = [
        (*head, *numbers)
        for head, comparisons in groups.items()
        for numbers in _pooled(comparisons, _replicated(head[0], runs), settings["bootstrap"])
    ]
    _write(rows, COLUMNS, path)
    _write(pooled, POOLED_COLUMNS, pooled_path)


def _references(run: Run, runs: Sequence[Run]) -> Iterator[tuple[str, Run | None]]:
    """Yield what a run is compared with: nothing, and each run before it.

    A model as it is has a mean of its own only where it has several trainings.
    """
    if run.objective == "zeroshot":
        if run.kind == "model" and _replicated(run.model, runs):
            yield "", None
        return
    yield "", None
    kind, dash, recipe = run.objective.partition("-")
    references = ("zeroshot", f"ec{dash}{recipe}") if kind == "re" else ("zeroshot",)
    for reference in references:
        if (before := _reference_run(run, reference, runs)) is not None:
            yield reference, before


def _reference_run(run: Run, reference: str, runs: Sequence[Run]) -> Run | None:
    """Return the run to compare with: of the same seed, or the one checkpoint of the model."""
    found = [each for each in runs if (each.model, each.objective) == (run.model, reference)]
    if reference == "zeroshot" and not _replicated(run.model, runs):
        return next(iter(found), None)
    return next((each for each in found if each.seed == run.seed), None)


def _replicated(model: str, runs: Sequence[Run]) -> bool:
    """Whether a model has several runs before alignment, one for each pre-training."""
    return [(run.model, run.objective) for run in runs].count((model, "zeroshot")) > 1


def paired_differences(
    tasks: Iterable[Task], folder: Path, before: Path, bootstrap: Mapping[str, int]
) -> pd.DataFrame:
    """Return what differs between two runs by their folders: ``folder`` less ``before``.

    Args:
        tasks: what both were measured with.
        folder: the result files of a run.
        before: those of the other, on the same rows.
        bootstrap: ``seed`` and ``resamples`` of the intervals.

    Returns:
        A row per task and metric that is defined: ``task``, ``metric``, ``difference``, its 95%
        interval ``low`` and ``high``, ``n``.

    Raises:
        InputError: a table is missing, or two are not about the same rows.
    """
    tasks = list(tasks)
    compared = _compare(_tables(tasks, folder), _tables(tasks, before))
    rows = list(_intervals(compared, bootstrap))
    return pd.DataFrame(rows, columns=COLUMNS[4:])


def _tables(tasks: Iterable[Task], folder: Path) -> list[_Table]:
    """Return the tables of a run.

    Raises:
        InputError: one is missing.
    """
    found = []
    for task in tasks:
        path = folder / f"{task.name}.parquet"
        table = read_rows(path)
        values = dict(task.values(table))
        found.append(_Table(task.name, path, table.iloc[:, 0], codes(table["unit"]), values))
    return found


def _compare(tables: Sequence[_Table], before: Sequence[_Table] | None) -> Comparison:
    """Return a run's metrics, less those of ``before`` where there is one."""
    if before is None:
        return {
            (table.task, name): Measured(value, table.units)
            for table in tables
            for name, value in table.values.items()
        }
    found: Comparison = {}
    for table, other in zip(tables, before, strict=True):
        if table.rows.name != other.rows.name or not table.rows.equals(other.rows):
            raise InputError(
                f"{table.path} and {other.path} are not about the same rows ({table.rows.name}), "
                "expected results of one test set; evaluate both again"
            )
        for name, value in table.values.items():
            if name in other.values:
                both = difference(value, other.values[name])
                found[table.task, name] = Measured(both, table.units)
    return found


def _pooled(
    comparisons: Sequence[Comparison], replicated: bool, bootstrap: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    """Yield the columns of the pooled table from ``task`` on, of what all runs have."""
    trainings = len(comparisons) if replicated else 1
    for key, (_, units) in comparisons[0].items():
        if not all(key in each for each in comparisons):
            continue
        measures = [each[key].values for each in comparisons]
        items = interval_of(average(measures), bootstrap, units)
        if np.isnan(items.value):
            continue
        whole = items
        if trainings > 1:
            whole = replicated_interval(measures, bootstrap["seed"], bootstrap["resamples"], units)
        yield (*key, *whole, len(comparisons), trainings, items.low, items.high)


def _intervals(
    comparison: Comparison, bootstrap: Mapping[str, int]
) -> Iterator[tuple[str, str, float, float, float, int]]:
    """Yield task, metric and interval of what is defined."""
    for (task, metric), measured in comparison.items():
        interval = interval_of(measured.values, bootstrap, measured.units)
        if not np.isnan(interval.value):
            yield (task, metric, *interval)


def _write(rows: Sequence[tuple[Any, ...]], columns: Sequence[str], path: str | Path) -> None:
    with atomic_path(path) as partial:
        pd.DataFrame(rows, columns=columns).to_csv(partial, index=False, lineterminator="\n")


def read_rows(path: Path) -> pd.DataFrame:
    """Read the table of an evaluated run, a row per item.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected the table of an evaluated run")
    return pd.read_parquet(path)
