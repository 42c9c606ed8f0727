"""Reading ``results/`` for the notebooks: runs, estimates, per-item tables, provenance.

Nothing is computed from embeddings or captions: values and intervals are what the evaluation wrote.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.evaluation.results import (
    POOLED_COLUMNS,
    SUMMARY_COLUMNS,
    UNTRAINED_SUFFIX,
    Kind,
)
from hierarcaps.evaluation.results import Run as EvaluatedRun
from hierarcaps.report.wording import number
from hierarcaps.runtime.errors import InputError

Key = tuple[str, str]  # task and metric

BASELINES = {
    "words": "length in words",
    "characters": "length in characters",
    "frequency": "word frequency",
    "random_order": "random order",
    "random": "random embeddings",
}
OBJECTIVES = {"zeroshot": "zero-shot", "re": "RE", "ec": "EC"}
POOLED = "pooled.csv"
NOT_EVALUATED = "run the evaluation before rendering its report"
TAU_D = ("ordering", "tau_d")
TAU_D_CONTROLLED = ("ordering", "tau_d_length_controlled")
PRECISION = ("hierarchical_retrieval", "precision")
RECALL = ("hierarchical_retrieval", "recall")
R1_IMAGE_TO_TEXT = ("retrieval", "image_to_text_r1")
R1_TEXT_TO_IMAGE = ("retrieval", "text_to_image_r1")
# The main metrics, in the order of tables and figures.
METRICS: dict[Key, str] = {
    PRECISION: "precision",
    RECALL: "recall",
    TAU_D: "τ_d",
    TAU_D_CONTROLLED: "τ_d, length-controlled",
    R1_IMAGE_TO_TEXT: "R@1, image to text",
    R1_TEXT_TO_IMAGE: "R@1, text to image",
}
# Those that sentences name, and figures that have room for four.
HEADLINE: tuple[Key, ...] = (PRECISION, RECALL, TAU_D, R1_IMAGE_TO_TEXT)


def heading(key: Key) -> str:
    """Return a main metric's name as a heading."""
    name = METRICS[key]
    return name if name.startswith("τ") else name[0].upper() + name[1:]


class Run(EvaluatedRun):
    """One evaluated model, as the reports name and group it."""

    @property
    def family(self) -> str:
        """The model's name without the mark of an untrained control."""
        return self.model.removesuffix(UNTRAINED_SUFFIX)

    @property
    def label(self) -> str:
        """The name to print, without the seed."""
        if self.kind == "baseline":
            return BASELINES.get(self.model, self.model)
        aligned = f" + {OBJECTIVES[self.objective]}" if self.objective in ("re", "ec") else ""
        untrained = ", untrained" if self.kind == "untrained" else ""
        return f"{self.family}{aligned}{untrained}"


@dataclass(frozen=True)
class Estimate:
    """A metric with its bootstrap 95% interval ``[low, high]`` over ``n`` items."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{number(self.value)} [{number(self.low)}, {number(self.high)}]"


@dataclass(frozen=True)
class Pooled(Estimate):
    """A mean over the ``runs`` of a model and objective, or the value of the only one.

    ``[low, high]`` is one interval over trainings and items where there are several ``trainings``:
    pre-trainings, each with its own alignment. Otherwise the runs are orders of the training items,
    aligned from one checkpoint, and it is over items. Items were drawn once for all runs.
    """

    runs: int = 1
    trainings: int = 1
    items: tuple[float, float] | None = None
    """The interval over items alone, where the other is over trainings too."""


@dataclass(frozen=True)
class Spread(Estimate):
    """A mean over seeds of the weights, from the lowest to the highest seed: no interval."""

    def __str__(self) -> str:
        return f"{number(self.value)} ({number(self.low)} to {number(self.high)})"


def located(path: str | Path) -> Path:
    """Return a path as it is, or seen from ``notebooks/`` where only that exists.

    Notebooks are rendered from the project's folder, and opened in Jupyter from their own.
    """
    above = Path("..") / path
    return above if above.exists() and not Path(path).exists() else Path(path)


def read_table(path: Path, columns: Sequence[str], advice: str) -> pd.DataFrame:
    """Read a CSV file that must have some columns.

    Raises:
        InputError: it is missing, which ``advice`` says how to mend, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"{path} not found: {advice}")
    table = pd.read_csv(path)
    if missing := [name for name in columns if name not in table]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}")
    return table


def read_pooled(root: Path) -> dict[tuple[str, str, str, str, str], Pooled]:
    """Return the means over runs of ``pooled.csv``.

    Returns:
        By model, objective, reference (empty: the metric itself), task and metric.

    Raises:
        InputError: missing, or without one of the columns.
    """
    table = read_table(root / POOLED, POOLED_COLUMNS, "compare the runs before rendering")
    return {
        (row.model, row.objective, row.reference, row.task, row.metric): Pooled(
            row.value,
            row.low,
            row.high,
            int(row.n),
            int(row.runs),
            int(row.trainings),
            (row.items_low, row.items_high) if row.trainings > 1 else None,
        )
        for row in table.astype({"reference": object})  # in a table without differences all empty
        .fillna({"reference": ""})
        .itertuples(index=False)
    }


class Results:
    """The files of a results folder, for an explicit list of models.

    Parameters
    ----------
    root: the results folder.
    models: ``[model, objective, seeds]`` per entry. Files of models that are not listed, left by
        an earlier run, are never read. The model-free baselines come with any list.

    Raises
    ------
    InputError: a file or a listed run is missing.
    """

    def __init__(self, root: str | Path, models: Sequence[Sequence[Any]]) -> None:
        self.root = Path(root)
        self.runs = [Run(m, objective, int(s)) for m, objective, seeds in models for s in seeds]
        self._estimates = self._read_summary()
        listed = {run.model for run in self.runs}
        found = {run for run, _, _ in self._estimates if run.objective == "baseline"}
        self.runs += [
            run
            for run in (Run(name, "baseline", 0) for name in BASELINES)
            if run in found and run.model not in listed
        ]
        for run in self.runs:
            if not any(key[0] == run for key in self._estimates):
                raise InputError(
                    f"{self.root / 'summary.csv'} has no row of model {run.model!r}, objective "
                    f"{run.objective!r}, seed {run.seed}, which the report was asked to show"
                )

    def _read_summary(self) -> dict[tuple[Run, str, str], Estimate]:
        frame = read_table(self.root / "summary.csv", SUMMARY_COLUMNS, NOT_EVALUATED)
        # A metric without a value (an empty cell) is one that does not apply to that run.
        frame = frame.dropna(subset=["value"])
        return {
            (Run(model, objective, int(seed)), task, metric): Estimate(value, low, high, int(n))
            for model, objective, seed, task, metric, value, low, high, n in frame[
                SUMMARY_COLUMNS
            ].itertuples(index=False)
        }

    def _existing(self, name: str | Path) -> Path:
        path = self.root / name
        if not path.is_file():
            raise InputError(f"{path} not found: {NOT_EVALUATED}")
        return path

    def of_kind(self, *kinds: Kind) -> list[Run]:
        """Return the runs of the given kinds, in the order of the list."""
        return [run for run in self.runs if run.kind in kinds]

    def representatives(self, *kinds: Kind) -> list[Run]:
        """Return the first listed seed of each model and objective."""
        first: dict[tuple[str, str], Run] = {}
        for run in self.of_kind(*kinds):
            first.setdefault((run.model, run.objective), run)
        return list(first.values())

    def name(self, run: Run) -> str:
        """Return the run's label, with its seed or order where its model was run with several."""
        same = [r for r in self.runs if (r.model, r.objective) == (run.model, run.objective)]
        return f"{run.label} ({self.varies(run)} {run.seed})" if len(same) > 1 else run.label

    def varies(self, run: Run) -> str:
        """Return what runs of a model differ by: ``seed`` of the weights, or ``order`` of items."""
        several = run.objective == "zeroshot" or len(self.trainings(run.model)) > 1
        return "seed" if several else "order"

    def estimate(self, run: Run, task: str, metric: str) -> Estimate | None:
        """Return a metric of a run, or None where it was not measured or does not apply."""
        return self._estimates.get((run, task, metric))

    def measured(self, task: str, metric: str, *kinds: Kind) -> list[tuple[Run, Estimate]]:
        """Return the runs of some kinds that have the metric, with their estimates."""
        pairs = [(run, self.estimate(run, task, metric)) for run in self.of_kind(*kinds)]
        return [(run, estimate) for run, estimate in pairs if estimate is not None]

    def trainings(self, model: str) -> list[Run]:
        """Return a model's runs before alignment, one for each pre-training."""
        return [r for r in self.runs if (r.model, r.objective) == (model, "zeroshot")]

    def before_alignment(self, task: str, metric: str) -> list[tuple[Run, Estimate]]:
        """Return the models as pre-trained that have the metric, each once.

        A model of several trainings has their mean, and its first run stands for it. Encoders of
        texts alone are controls, and not among them.
        """
        found = [
            (run, self.pooled(run.model, "zeroshot", (task, metric)))
            for run in self.representatives("model")
            if run.objective == "zeroshot" and run.model not in self._text_only
        ]
        return [(run, estimate) for run, estimate in found if estimate is not None]

    def highest(self, task: str, metric: str) -> tuple[Run, Estimate] | None:
        """Return the model with the highest value of a metric (the first listed one on a tie)."""
        measured = self.before_alignment(task, metric)
        return max(measured, key=lambda pair: pair[1].value, default=None)

    def pooled(self, model: str, objective: str, key: Key, reference: str = "") -> Pooled | None:
        """Return a metric's mean over the runs of a model, or None where it has none.

        Args:
            model: of the list.
            objective: what it was aligned with, or ``zeroshot``.
            key: task and metric.
            reference: the objective that is subtracted; none by default.

        Raises:
            InputError: ``pooled.csv`` is missing, or is about other runs than those listed.
        """
        runs = [run for run in self.runs if (run.model, run.objective) == (model, objective)]
        if objective == "zeroshot" and len(runs) < 2:
            found = self.estimate(runs[0], *key) if runs else None
            return Pooled(found.value, found.low, found.high, found.n) if found else None
        pooled = self._pooled.get((model, objective, reference, *key))
        # RE and EC are compared run by run, as far as both have it.
        if pooled and runs and not reference and pooled.runs != len(runs):
            raise InputError(
                f"{self.root / POOLED} is about {pooled.runs} runs of {model} {objective}, but "
                f"the report was asked to show {len(runs)}: compare the runs again"
            )
        return pooled if runs else None

    @cached_property
    def _pooled(self) -> dict[tuple[str, str, str, str, str], Pooled]:
        return read_pooled(self.root)

    def items(self, run: Run, task: str) -> pd.DataFrame:
        """Return the per-item table of a run (columns: the evaluation's contract)."""
        return pd.read_parquet(self._existing(run.folder("") / f"{task}.parquet"))

    @cached_property
    def examples(self) -> pd.DataFrame:
        """Items kept with their pictures: item_id, image (PNG bytes), gold (4 captions)."""
        return pd.read_parquet(self._existing("examples.parquet"))

    @cached_property
    def info(self) -> dict[str, Any]:
        """``run.json``: params, versions and test_set (source, n_items, n_texts)."""
        return json.loads(self._existing("run.json").read_text(encoding="utf-8"))

    @cached_property
    def _text_only(self) -> set[str]:
        if not (self.root / "run.json").is_file():
            return set()
        models = self.info["params"].get("models", {})
        return {name for name, entry in models.items() if "text_only" in entry}

    @cached_property
    def contact_sheet(self) -> bytes | None:
        """The drawn world's contact sheet (PNG), or None on real data."""
        path = self.root / "figures" / "contact_sheet.png"
        return path.read_bytes() if path.is_file() else None
