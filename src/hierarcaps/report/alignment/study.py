"""Reading what alignment changed: paired differences, means over seeds, learning curves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.report.study import (
    PRECISION,
    RECALL,
    TAU_D,
    TAU_D_CONTROLLED,
    Estimate,
    Results,
    Run,
    located,
)
from hierarcaps.runtime.errors import InputError

Key = tuple[str, str]
OBJECTIVES = {"zeroshot": "zero-shot", "re": "RE", "ec": "EC"}
# (objective, reference): a difference is the objective minus the reference.
COMPARISONS = {("re", "zeroshot"): "RE − zero-shot", ("ec", "zeroshot"): "EC − zero-shot"} | {
    ("re", "ec"): "RE − EC"
}
R1_IMAGE_TO_TEXT = ("retrieval", "image_to_text_r1")
R1_TEXT_TO_IMAGE = ("retrieval", "text_to_image_r1")
METRICS: dict[Key, str] = {
    PRECISION: "precision",
    RECALL: "recall",
    TAU_D: "τ_d",
    TAU_D_CONTROLLED: "τ_d, length-controlled",
    R1_IMAGE_TO_TEXT: "R@1, image to text",
    R1_TEXT_TO_IMAGE: "R@1, text to image",
}
DIFFERENCE_COLUMNS = (
    "model", "objective", "reference", "seed", "task", "metric", "difference", "low", "high", "n",
)  # fmt: skip


def heading(key: Key) -> str:
    """Return a metric's name as a heading."""
    name = METRICS[key]
    return name if name.startswith("τ") else name[0].upper() + name[1:]


@dataclass(frozen=True)
class Pooled(Estimate):
    """A mean over seeds; ``low`` and ``high`` are the outermost limits of the seeds' intervals.

    Those are bootstrap intervals over items, so that the range covers items and seeds both.
    """

    seeds: int = 1


def pool(estimates: Iterable[Estimate]) -> Pooled | None:
    """Return the mean of one metric over seeds; None where no seed has it."""
    found = list(estimates)
    if not found:
        return None
    return Pooled(
        float(np.mean([each.value for each in found])),
        min(each.low for each in found),
        max(each.high for each in found),
        max(each.n for each in found),
        len(found),
    )


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
        """Return a metric's mean over the seeds of a model and objective."""
        found = [self.results.estimate(run, *key) for run in self.runs(model, objective)]
        return pool(each for each in found if each is not None)

    def differences(
        self, comparison: Key, key: Key, model: str | None = None
    ) -> list[tuple[Run, Estimate]]:
        """Return the paired differences of a comparison and metric: one per model and seed."""
        objective, reference = comparison
        pairs = [
            (run, self._differences.get((run, reference, *key)))
            for run in self.results.runs
            if run.objective == objective and model in (None, run.model)
        ]
        return [(run, difference) for run, difference in pairs if difference is not None]

    def pooled_difference(self, comparison: Key, key: Key, model: str) -> Pooled | None:
        """Return a paired difference's mean over seeds."""
        return pool(difference for _, difference in self.differences(comparison, key, model))

    @property
    def compared(self) -> list[Key]:
        """The comparisons for which there is any difference."""
        return [c for c in COMPARISONS if any(self.differences(c, key) for key in METRICS)]


def _read_differences(results: Results) -> dict[tuple[Run, str, str, str], Estimate]:
    path = results.root / "differences.csv"
    if not path.is_file():
        raise InputError(f"{path} not found: compare the runs before rendering their report")
    table = pd.read_csv(path)
    if missing := [name for name in DIFFERENCE_COLUMNS if name not in table]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}")
    return {
        (Run(model, objective, int(seed)), reference, task, metric): Estimate(d, low, high, int(n))
        for model, objective, reference, seed, task, metric, d, low, high, n in table[
            list(DIFFERENCE_COLUMNS)
        ].itertuples(index=False)
    }


def _read_curve(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path} not found: expected the learning curve of an aligned run")
    table = pd.read_csv(path)
    if missing := [name for name in ("step", "split", "total") if name not in table]:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}")
    return table
