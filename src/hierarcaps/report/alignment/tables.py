"""The tables of alignment: before and after, and the paired differences."""

from collections.abc import Callable, Sequence
from html import escape

from hierarcaps.report.alignment.findings import direction, signed
from hierarcaps.report.alignment.study import (
    COMPARISONS,
    METRICS,
    OBJECTIVES,
    Alignment,
    Pooled,
    heading,
)
from hierarcaps.report.markup import Html, note, number_cell, table

# Model, what is shown of it, and its value of each metric.
Entry = tuple[str, str, list[Pooled | None]]

POOLED = (
    "Mean over seeds; in brackets the outermost limits of the seeds' bootstrap 95% intervals over "
    "items"
)


def before_after_table(study: Alignment) -> Html:
    """Return a row per model and objective: the metrics, means over seeds with intervals."""
    entries = [
        (model, label, [study.pooled(model, objective, key) for key in METRICS])
        for model in study.models
        for objective, label in OBJECTIVES.items()
    ]
    if not _measured(entries):
        return note("No model was aligned in this run.")
    return pooled_table("Before and after alignment.", "", entries, number_cell)


def difference_table(study: Alignment) -> Html:
    """Return a row per model and comparison: paired differences; bold where 0 is excluded."""
    entries = [
        (model, label, [study.pooled_difference(comparison, key, model) for key in METRICS])
        for model in study.models
        for comparison, label in COMPARISONS.items()
    ]
    if not _measured(entries):
        return note("No two runs of one model were compared.")
    return pooled_table(
        "What alignment changes: paired differences on the same items.",
        " Bold: the interval excludes 0.",
        entries,
        _difference_cell,
    )


def _measured(entries: Sequence[Entry]) -> list[Pooled]:
    return [value for *_, values in entries for value in values if value is not None]


def pooled_table(
    title: str, remark: str, entries: Sequence[Entry], cell: Callable[[Pooled | None], str]
) -> Html:
    """Return a row per entry of which anything was measured."""
    rows = []
    for model, label, values in entries:
        if found := [value for value in values if value is not None]:
            name = f'{escape(model)} <span class="hc-interval">{label}</span>'
            seeds = str(max(value.seeds for value in found))
            rows.append([name, seeds, *(cell(value) for value in values)])
    sizes = {value.n for value in _measured(entries)}
    return table(
        title,
        f"{POOLED}, n = {_range(sizes)}.{remark} A dash: not measured.",
        ["Model", "Seeds", *(heading(key) for key in METRICS)],
        rows,
    )


def _difference_cell(value: Pooled | None) -> str:
    if value is None:
        return number_cell(None)
    shown = signed(value.value)
    if direction(value):
        shown = f"<b>{shown}</b>"
    interval = f"[{signed(value.low)}, {signed(value.high)}]"
    return f'{shown} <span class="hc-interval">{interval}</span>'


def _range(sizes: set[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
