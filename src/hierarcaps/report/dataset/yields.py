"""Two studies' datasheets side by side: what each step yielded, and how much of it is right."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hierarcaps.report.dataset.sheet import Datasheet, wilson
from hierarcaps.report.study import Estimate
from hierarcaps.runtime.errors import InputError

COLUMNS = ("task", "metric", "first", "second", "difference", "low", "high", "n", "n_second")
RIGHT = {"positives": "four tiers right", "all_eight": "all eight texts right"}


def compare_yields(first: str | Path, second: str | Path) -> pd.DataFrame:
    """Return what two studies' pipelines yielded, step by step, ``second - first``.

    Their rows are other rows, so that nothing is paired: intervals are Newcombe's for the
    difference of two independent shares.

    Args:
        first: the ``datasheet.json`` of a study.
        second: of another.

    Returns:
        A row per step and share that both have, under ``COLUMNS``: the step as ``task``; of
        ``metric`` ``accepted`` (of what entered) and, where an oracle knows the truth, those of
        ``RIGHT`` (of what was accepted); both shares, their difference with its 95% interval
        ``low`` and ``high``, and what each is a share of.

    Raises:
        InputError: no datasheet, or two that have no step in common.
    """
    sheets = [dict(_shares(Datasheet(path))) for path in (first, second)]
    common = [key for key in sheets[0] if key in sheets[1]]
    if not common:
        raise InputError(
            f"{first} and {second}: no step of one accepted or rejected rows in the other too, "
            "expected two datasheets of the same pipeline"
        )
    rows = []
    for key in common:
        one, two = (shares[key] for shares in sheets)
        rows.append((*key, one.value, two.value, *newcombe(one, two), one.n, two.n))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _shares(sheet: Datasheet) -> Iterator[tuple[tuple[str, str], Estimate]]:
    """Yield (step, measure) and its share, in the order of the pipeline."""
    for step in sheet.counted:
        found = {"accepted": step.yielded}
        found |= {words: step.valid(measure) for measure, words in RIGHT.items()}
        yield from (((step.label, name), share) for name, share in found.items() if share)
    h = sheet.hierarchy
    if h and (share := wilson(h["nli_valid"] or 0.0, h["n"])):
        yield ("H", "held-out seeds, valid"), share


def newcombe(first: Estimate, second: Estimate) -> tuple[float, float, float]:
    """Return the difference of two independent shares, ``second - first``, and its 95% interval.

    From the two Wilson intervals (Newcombe, 1998, method 10).
    """
    difference = second.value - first.value
    below = math.hypot(second.value - second.low, first.high - first.value)
    above = math.hypot(second.high - second.value, first.value - first.low)
    return difference, difference - below, difference + above
