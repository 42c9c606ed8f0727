"""The per-item tables of hierarchical retrieval, checked and made small for the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import Run
from hierarcaps.runtime.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

TABLE = "hierarchical_retrieval.parquet"
COLUMNS = ["item_id", "precision", "recall", "retrieved", "retrieved_radii", "gold"]
# The page shows three decimals.
_DECIMALS = 4


class TextTable:
    """Numbers for strings: runs retrieve the same captions over and over."""

    def __init__(self) -> None:
        self._number_of: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text, the next free one for a new text."""
        return self._number_of.setdefault(text, len(self._number_of))

    @property
    def strings(self) -> list[str]:
        """All texts; a text's number is its place."""
        return list(self._number_of)


def read_run(
    run: Run, results: str | Path, items: Sequence[CaptionHierarchy], texts: TextTable
) -> dict[str, Any]:
    """Return what a run retrieves for each of ``items``, in their order.

    Returns:
        ``low`` and ``high``: the smallest and largest radius retrieved for any item. ``rows``: per
        item its precision, its recall, the numbers of the retrieved texts in ``texts`` from generic
        to specific, and their radii.

    Raises:
        InputError: a table that is missing, unreadable, lacks a column, is not of these items or
            has a radius that is not finite.
    """
    path = run.folder(results) / TABLE
    table = _read_table(path)
    row_of = {item_id: row for row, item_id in enumerate(table["item_id"])}
    rows, low, high = [], np.inf, -np.inf
    for item in items:
        row = row_of.get(item.item_id)
        if row is None or tuple(table["gold"][row]) != item.tiers:
            found = "has no row of" if row is None else "has other gold tiers for"
            raise InputError(
                f"{path}: {found} item {item.item_id!r}, expected the results of this test set; "
                "evaluate the model again"
            )
        radii = np.asarray(table["retrieved_radii"][row], dtype=float)
        strings = list(table["retrieved"][row])
        if not len(radii) == len(strings) > 0 or not np.isfinite(radii).all():
            raise InputError(
                f"{path}: item {item.item_id!r} has {len(strings)} retrieved texts and "
                f"{np.isfinite(radii).sum()} finite radii, expected as many, and at least one"
            )
        radii = radii.round(_DECIMALS)
        low, high = min(low, radii.min()), max(high, radii.max())
        scores = [round(float(table[name][row]), _DECIMALS) for name in ("precision", "recall")]
        rows.append([*scores, [texts.number(text) for text in strings], radii.tolist()])
    return {"low": float(low), "high": float(high), "rows": rows}


def _read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa

    if not path.is_file():
        raise InputError(f"{path} not found: run the evaluation before exporting the explorer")
    try:
        return pd.read_parquet(path, columns=COLUMNS)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(
            f"{path}: cannot be read ({reason}), expected a Parquet table with the columns "
            f"{', '.join(COLUMNS)}"
        ) from None
