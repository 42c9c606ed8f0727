"""How long the jobs of a run took, from the benchmark files that they left."""

import csv
from pathlib import Path
from typing import NamedTuple


class Duration(NamedTuple):
    """The jobs of one rule: their number, seconds in all, and the most memory of one."""

    rule: str
    jobs: int
    seconds: float
    peak_mb: float


def read_durations(folder: str | Path) -> list[Duration]:
    """Return the rules of ``{folder}/{rule}.tsv`` and ``{folder}/{rule}/*.tsv``, longest first.

    The files are Snakemake's: columns ``s`` (seconds) and ``max_rss`` (MB), which a job too short
    to be looked at leaves without a number.
    """
    of_rule: dict[str, list[dict[str, str]]] = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with path.open(encoding="utf-8", newline="") as file:
            of_rule.setdefault(rule, []).extend(csv.DictReader(file, delimiter="\t"))
    found = [
        Duration(
            rule,
            len(rows),
            sum(_number(row.get("s")) for row in rows),
            max((_number(row.get("max_rss")) for row in rows), default=0.0),
        )
        for rule, rows in of_rule.items()
    ]
    return sorted(found, key=lambda each: (-each.seconds, each.rule))


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def clock(seconds: float) -> str:
    """Return ``h:mm:ss``."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
