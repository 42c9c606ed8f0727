"""Gathers what docs/real_towers.md shows in one table, docs/real_towers/results.csv.

Run after `make real-towers` has made `results-real-towers`: it reads result files, learning curves
and parameters, and computes nothing but paired differences at equal rates, whose objectives have
names that the workflow does not compare.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.evaluation.differences import paired_differences
from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.runtime.params import read_params

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("results.csv")
MODEL = "real-encoder"
OVERLAYS = ["config/official.yaml", "config/real-towers.yaml"]
STUDIES = {"orders": OVERLAYS, "variants": [*OVERLAYS, "config/real-towers-rates.yaml"]}
# RE and EC at the same rate: 3e-6, then 6e-6.
EQUAL_RATES = [("re", "ec-half-rate"), ("re-double-rate", "ec")]
COLUMNS = [
    "study", "model", "objective", "reference", "task", "metric", "value", "low", "high", "n",
    "runs",
]  # fmt: skip
TASKS = (
    "ordering", "entailment", "hierarchical_retrieval", "radius_controls", "retrieval", "hubness",
    "hyperlex", "retrieval_flickr8k", "retrieval_flickr8k-tuning",
)  # fmt: skip


def rows_of(study: str, params: dict[str, Any]) -> Iterator[pd.DataFrame]:
    """Yield what a study measured: values, means over orders, differences, held-out rows."""
    results = ROOT / params["results"]
    summary = pd.read_csv(results / "summary.csv")
    yield summary[summary["objective"].isin(["zeroshot", "baseline"])]
    yield pd.read_csv(results / "pooled.csv")
    if study != "variants":
        return
    tasks = [task for task in all_tasks(params["evaluation"]) if task.name in TASKS]
    for after, before in EQUAL_RATES:
        folders = [Run(MODEL, each, 0).folder(results) for each in (after, before)]
        if all((folder / "ordering.json").is_file() for folder in folders):
            found = paired_differences(tasks, *folders, params["evaluation"]["bootstrap"])
            found = found.rename(columns={"difference": "value"})
            yield found.assign(model=MODEL, objective=after, reference=before, runs=1)
    for objective in params["alignment"]["objectives"]:
        yield held_out(objective)


def held_out(objective: str) -> pd.DataFrame:
    """Return what the learning curve says of the held-out rows, before and after."""
    curve = pd.read_csv(ROOT / "models" / MODEL / objective / "seed0" / "curve.csv")
    rows = curve[curve["split"] == "validation"]
    metrics = ["tau_d", "prior", "angle_violations"]
    table = rows.iloc[[0, -1]][metrics].assign(reference=["before", ""])
    long = table.melt(id_vars="reference", var_name="metric", value_name="value")
    return long.assign(model=MODEL, objective=objective, task="held_out", runs=1)


def main() -> None:
    """Write the table."""
    tables = []
    for study, overlays in STUDIES.items():
        params = read_params(
            ROOT / "params.yaml",
            [ROOT / each for each in overlays],
            ROOT / "workflow" / "schemas" / "params.schema.yaml",
        )
        tables += [table.assign(study=study) for table in rows_of(study, params)]
    table = pd.concat(tables)[COLUMNS]
    table = table[table["task"].isin([*TASKS, "held_out"])]
    table.round(4).to_csv(TABLE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
