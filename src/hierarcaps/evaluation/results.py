"""Result files with provenance: what was measured, on what, with which model."""

import json
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hierarcaps import __version__
from hierarcaps.metrics.intervals import Interval, Statistic, mean_interval, statistic_interval
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, sha256_json, write_json

if TYPE_CHECKING:
    from hierarcaps.evaluation.tasks.protocol import Task

VERSIONED_PACKAGES = ("numpy", "torch", "open_clip_torch", "transformers")
HEADLINE_METRICS = ("precision", "recall", "tau_d", "image_to_text_r1", "text_to_image_r1")
SUMMARY_COLUMNS = ["model", "objective", "seed", "task", "metric", "value", "low", "high", "n"]
# Means over the runs of a model and objective; ``reference`` is empty where ``value`` is the metric
# itself and no difference. ``items_low`` and ``items_high`` leave out what trainings differ by.
POOLED_COLUMNS = [
    "model", "objective", "reference", "task", "metric", "value", "low", "high", "n", "runs",
    "trainings", "items_low", "items_high",
]  # fmt: skip
Kind = Literal["model", "untrained", "baseline"]
UNTRAINED_SUFFIX = "-untrained"


@dataclass(frozen=True)
class Run:
    """One evaluated model: its name in params, ``zeroshot`` or an objective, and its seed."""

    model: str
    objective: str
    seed: int

    @property
    def kind(self) -> Kind:
        """``baseline`` (no model), ``untrained`` (random weights) or ``model``."""
        if self.objective == "baseline":
            return "baseline"
        return "untrained" if self.model.endswith(UNTRAINED_SUFFIX) else "model"

    def folder(self, results: str | Path) -> Path:
        """Return the folder of this run's result files."""
        return Path(results, self.model, self.objective, f"seed{self.seed}")


@cache  # reading the metadata of packages takes longer than a small task
def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that the numbers depend on."""
    packages = {}
    for name in VERSIONED_PACKAGES:
        with suppress(metadata.PackageNotFoundError):  # of another family of models
            packages[name] = metadata.version(name)
    return {"python": platform.python_version(), "hierarcaps": __version__, **packages}


def write_result(
    folder: str | Path,
    run: Run,
    task: "Task",
    table: pd.DataFrame,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> None:
    """Write ``{task}.parquet`` (a row per item) and ``{task}.json`` (numbers with intervals).

    Args:
        folder: where both files go.
        run: what was evaluated.
        task: what made the table. A metric that is not defined at all is left out.
        table: (N, ...) rows that every metric can be traced to.
        settings: the ``evaluation`` section of the parameters.
        provenance: hash of the data and description of the model actually loaded.
    """
    bootstrap = settings["bootstrap"]
    units = codes(table["unit"])
    intervals = {
        name: interval_of(value, bootstrap, units) for name, value in task.values(table).items()
    }
    metrics = {
        name: interval._asdict()
        for name, interval in intervals.items()
        if not np.isnan(interval.value)
    }
    with atomic_path(Path(folder, f"{task.name}.parquet")) as partial:
        table.to_parquet(partial, index=False)
    write_json(
        Path(folder, f"{task.name}.json"),
        {
            **asdict(run),
            "task": task.name,
            "task_version": task.version,
            "unit": task.unit,
            "metrics": metrics,
            "provenance": {
                **provenance,
                "params_sha256": sha256_json(settings),
                "versions": versions(),
            },
        },
    )


def codes(units: pd.Series) -> pd.Series:
    """Return units as whole numbers of the same order: sorted once, and not for each metric."""
    return pd.Series(pd.factorize(units, sort=True)[0])


def interval_of(
    value: np.ndarray | Statistic, bootstrap: Mapping[str, int], units: ArrayLike
) -> Interval:
    """Return a metric's number with its interval over units (``seed``, ``resamples``)."""
    if isinstance(value, Statistic):
        return statistic_interval(value, bootstrap["seed"], bootstrap["resamples"])
    return mean_interval(value, bootstrap["seed"], bootstrap["resamples"], units)


def summarise(result_paths: Iterable[str | Path]) -> pd.DataFrame:
    """Return one row per result file and metric, with the columns of ``summary.csv``.

    Raises:
        InputError: two results of one task that two versions of it measured.
    """
    rows = []
    first: dict[str, tuple[Any, str | Path]] = {}
    for path in result_paths:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        version, other = first.setdefault(result["task"], (result.get("task_version"), path))
        if version != result.get("task_version"):
            raise InputError(
                f"{path}: {result['task']} is of version {result.get('task_version')}, but of "
                f"version {version} in {other}; one table holds one version: evaluate both again"
            )
        run = {key: result[key] for key in ("model", "objective", "seed", "task")}
        rows += [
            {**run, "metric": name, **values} for name, values in sorted(result["metrics"].items())
        ]
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def write_summary(
    result_paths: Iterable[str | Path], summary_path: str | Path, headline_path: str | Path
) -> None:
    """Write ``summary.csv`` from result files, in their order, and the headline as JSON.

    The headline (model -> objective -> metric, the mean over seeds) is what ``dvc metrics`` shows.
    """
    summary = summarise(result_paths)
    with atomic_path(summary_path) as partial:
        summary.to_csv(partial, index=False, lineterminator="\n")
    headline: dict[str, dict[str, dict[str, float]]] = {}
    shown = summary[summary["metric"].isin(HEADLINE_METRICS)]
    means = shown.groupby(["model", "objective", "metric"])["value"].mean()
    for (model, objective, metric), value in means.items():
        headline.setdefault(model, {}).setdefault(objective, {})[metric] = round(value, 4)
    write_json(headline_path, headline)
