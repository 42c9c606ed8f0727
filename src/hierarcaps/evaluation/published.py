"""Our numbers beside the published ones, each with what is the same and what differs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.evaluation import sameness
from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.sameness import Measured
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

KEY = ["source", "model", "objective", "task", "metric"]
# What is known of a published value, beside the number; empty where no source states it.
FACTS = ["weights", "training", "split", "protocol"]
PUBLISHED_COLUMNS = [*KEY, "value", "table", *FACTS, "citation"]
COLUMNS = [
    *KEY, "published", "decimals", "run", "ours", "low", "high", "runs", "comparable",
    "difference", "status", "table", "citation",
]  # fmt: skip


def read_published(path: str | Path) -> pd.DataFrame:
    """Return the published values (``config/paper_results.csv``), in the order of the file.

    A value is known by ``KEY``: several sources stand side by side. ``decimals`` counts the digits
    that were printed.

    Raises:
        InputError: unreadable, a missing column, a value that is no number, a row given twice.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable table of published values ({error})") from None
    missing = [name for name in PUBLISHED_COLUMNS if name not in table]
    if missing:
        raise InputError(
            f"{path}: no column {missing[0]!r}, expected {','.join(PUBLISHED_COLUMNS)}"
        )
    values = pd.to_numeric(table["value"], errors="coerce")
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise InputError(
            f"{path}, row {row + 1}: found the value {table['value'][row]!r}, expected a number"
        )
    if (twice := table.duplicated(KEY)).any():
        row = int(twice.to_numpy().argmax())
        raise InputError(f"{path}, row {row + 1}: {'/'.join(table.loc[row, KEY])} is given twice")
    decimals = table["value"].str.partition(".")[2].str.len()
    return table[PUBLISHED_COLUMNS].assign(value=values, decimals=decimals)


def compare_with_published(
    summary: pd.DataFrame,
    pooled: pd.DataFrame,
    published: pd.DataFrame,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Return a row per published value with ours beside it, and whether they can be compared.

    Ours is the run of the published weights where the study has one under any name, else the run
    of the same model and objective.

    Args:
        summary: the table of ``summary.csv``, for models as they are: their first seed.
        pooled: the table of ``pooled.csv``, for aligned models: means over their runs.
        published: the table of ``read_published``; models have the names of the parameters.
        params: the parameters that ``summary`` was made with; a model on the hyperboloid has the
            ``root`` origin.

    Returns:
        ``COLUMNS``. ``ours`` has its interval over items, ``runs`` counts the runs that it is the
        mean of (1 where nothing was aligned, 0 where it was not run). ``status`` says in words what
        is the same, what differs and what is not known
        (:func:`hierarcaps.evaluation.sameness.facts`), or why it was not run.
        ``comparable`` is whether all is known to be the same; only then is there a ``difference``,
        ours minus published.
    """
    key = ["model", "objective", "task", "metric"]
    before = summary[summary["objective"] == "zeroshot"].drop_duplicates(key).assign(runs=1)
    aligned = pooled[pooled["reference"].isna() & (pooled["objective"] != "zeroshot")]
    estimates = pd.concat([before, aligned]).set_index(key)
    rows = [
        {**row, **_beside(row, estimates, params)} for row in published.to_dict(orient="records")
    ]
    return pd.DataFrame(rows).rename(columns={"value": "published"})[COLUMNS]


def _beside(
    row: Mapping[str, Any], estimates: pd.DataFrame, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a row of the comparison says of ours."""
    wanted = Measured(row["model"], row["objective"], row["task"])
    same = [
        Measured(name, "zeroshot", wanted.task)
        for name, entry in params["models"].items()
        if row["weights"] and sameness.checkpoint(entry) == row["weights"]
    ]
    for ours in (*same, wanted):
        if (key := (*ours, row["metric"])) in estimates.index:
            break
    else:
        nothing = dict.fromkeys(("ours", "low", "high", "difference"), np.nan)
        reason = sameness.not_run(wanted, params)
        return {**nothing, "run": "", "runs": 0, "comparable": False, "status": reason}
    facts = sameness.facts(row, ours, params)
    estimate, comparable = estimates.loc[key], sameness.comparable(facts)
    return {
        "ours": estimate["value"],
        "low": estimate["low"],
        "high": estimate["high"],
        "runs": int(estimate["runs"]),
        "run": f"{ours.model} {ours.objective}",
        "comparable": comparable,
        "difference": estimate["value"] - row["value"] if comparable else np.nan,
        "status": sameness.status(facts),
    }


def published_comparison(results: str | Path, published_path: str | Path) -> pd.DataFrame:
    """Return ``compare_with_published`` of a folder of results.

    Args:
        results: has ``summary.csv``, ``pooled.csv``, ``run.json`` (the parameters that they were
            made with) and the results of the runs.
        published_path: ``config/paper_results.csv``.

    Raises:
        InputError: a file is missing, or as ``read_published``.
    """
    try:
        summary, pooled = (
            pd.read_csv(Path(results, name)) for name in ("summary.csv", "pooled.csv")
        )
        run = json.loads(Path(results, "run.json").read_text(encoding="utf-8"))
        params = _with_roots(run["params"], Path(results))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file, expected results of the study") from None
    return compare_with_published(summary, pooled, read_published(published_path), params)


def _with_roots(params: Mapping[str, Any], results: Path) -> dict[str, Any]:
    """Return the parameters with the root that no parameter names: a hyperboloid's origin.

    Only the checkpoint tells whether a model in MERU's format is on the hyperboloid; what was
    measured of it says so.
    """
    models = dict(params["models"])
    for name, entry in models.items():
        run = Run(name, "zeroshot", entry.get("seeds", [0])[0])
        path = run.folder(results) / "ordering.json"
        if "meru" in entry and path.is_file():  # else there is nothing to compare
            measured = json.loads(path.read_text(encoding="utf-8"))
            if "lift" in measured["provenance"]["model"]:
                models[name] = {**entry, "root": "origin"}
    return {**params, "models": models}


def write_comparison(results: str | Path, published_path: str | Path, path: str | Path) -> None:
    """Write ``published_comparison`` as CSV.

    Raises:
        InputError: as ``published_comparison``.
    """
    table = published_comparison(results, published_path)
    with atomic_path(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")
