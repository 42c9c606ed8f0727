"""Our numbers beside the published ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from hierarcaps.errors import InputError
from hierarcaps.files import atomic_path

# Measured on the test set of the run, which is not always the paper's.
TEST_SET_TASKS = ("hierarchical_retrieval", "ordering")
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


def compare_with_published(summary: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Return a row per published value with ours beside it.

    Args:
        summary: the table of ``summary.csv``, of the test set that the paper used.
        published: the table of ``read_published``; models have the names of the parameters.

    Returns:
        ``COLUMNS``. ``ours`` is the mean over seeds, ``low`` and ``high`` the outermost limits of
        their intervals, ``difference`` ours minus published. ``status`` is ``run``, or ``not run``
        for rows that wait for weights or data, which have no number of ours.
    """
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


def write_comparison(
    summary_path: str | Path,
    published_path: str | Path,
    path: str | Path,
    official_test_set: bool = True,
) -> None:
    """Write ``compare_with_published`` of two files as CSV.

    Without ``official_test_set`` our numbers of ``TEST_SET_TASKS`` are left out: a model of the
    paper's, measured on other hierarchies, is not the published row.

    Raises:
        InputError: as ``read_published``.
    """
    summary = pd.read_csv(summary_path)
    if not official_test_set:
        summary = summary[~summary["task"].isin(TEST_SET_TASKS)]
    table = compare_with_published(summary, read_published(published_path))
    with atomic_path(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")
