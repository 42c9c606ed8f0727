"""Our numbers beside the published ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks.names import TEST_SET_TASKS
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

# The test set of the published values, as ``config/paper.yaml`` and ``official.yaml`` name it.
OFFICIAL_TEST_SET = "official HierarCaps test set"
KEY = ["model", "objective", "task", "metric"]
PUBLISHED_COLUMNS = [*KEY, "value", "table", "source"]
COLUMNS = [
    *KEY, "published", "ours", "low", "high", "seeds", "difference", "status", "table", "source",
]  # fmt: skip


def read_published(path: str | Path) -> pd.DataFrame:
    """Return the published values (``config/paper_results.csv``), in the order of the file.

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
    return table.assign(value=values)[PUBLISHED_COLUMNS]


def compare_with_published(
    summary: pd.DataFrame, published: pd.DataFrame, test_set: str = OFFICIAL_TEST_SET
) -> pd.DataFrame:
    """Return a row per published value with ours beside it.

    Args:
        summary: the table of ``summary.csv``.
        published: the table of ``read_published``; models have the names of the parameters.
        test_set: what ``summary`` was measured on. Tasks on the test set are compared on the
            official one alone; data sets of their own, as HyperLex, are the same everywhere.

    Returns:
        ``COLUMNS``. ``ours`` is the mean over seeds, ``low`` and ``high`` the outermost limits of
        their intervals, ``difference`` ours minus published. ``status`` is ``run``, or ``not run``
        for rows that wait for weights or data, which have no number of ours.
    """
    if test_set != OFFICIAL_TEST_SET:
        summary = summary[~summary["task"].isin(TEST_SET_TASKS)]
    grouped = summary.groupby(KEY).agg(
        ours=("value", "mean"), low=("low", "min"), high=("high", "max"), seeds=("seed", "nunique")
    )
    table = published.rename(columns={"value": "published"}).merge(
        grouped.reset_index(), on=KEY, how="left", validate="one_to_one"
    )
    table["difference"] = table["ours"] - table["published"]
    table["status"] = np.where(table["ours"].notna(), "run", "not run")
    table["seeds"] = table["seeds"].fillna(0).astype(int)
    return table[COLUMNS]


def published_comparison(results: str | Path, published_path: str | Path) -> pd.DataFrame:
    """Return ``compare_with_published`` of a folder of results.

    Args:
        results: has ``summary.csv`` and ``run.json`` (which test set it was).
        published_path: ``config/paper_results.csv``.

    Raises:
        InputError: a file is missing, or as ``read_published``.
    """
    try:
        summary = pd.read_csv(Path(results, "summary.csv"))
        run = json.loads(Path(results, "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file, expected results of the study") from None
    published = read_published(published_path)
    return compare_with_published(summary, published, run["test_set"]["source"])


def write_comparison(results: str | Path, published_path: str | Path, path: str | Path) -> None:
    """Write ``published_comparison`` as CSV.

    Raises:
        InputError: as ``published_comparison``.
    """
    table = published_comparison(results, published_path)
    with atomic_path(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")
