"""The learning curve of a run as a table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hierarcaps.runtime.files import atomic_path

CURVE_FILE = "curve.csv"


def write_curve(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write curve rows as CSV, numbers in full precision; what a row does not measure is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
