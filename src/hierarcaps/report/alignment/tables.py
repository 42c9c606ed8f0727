"""The tables of alignment: before and after, the paired differences, and what is retained."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TypeVar

from hierarcaps.report.changes import COMPARISONS, Alignment, direction
from hierarcaps.report.markup import Html, note, number_cell, table, two_lines
from hierarcaps.report.study import (
    METRICS,
    OBJECTIVES,
    R1_IMAGE_TO_TEXT,
    R1_TEXT_TO_IMAGE,
    Key,
    Pooled,
    heading,
)
from hierarcaps.report.wording import signed, signed_interval, span

K = TypeVar("K")
# Model, what is shown of it, and its value of each metric.
Entry = tuple[str, str, list[Pooled | None]]

POOLED = (
    "Means over runs: trainings, each with its own alignment, or orders of the training items from "
    "one checkpoint; in brackets one bootstrap 95% interval, over trainings and items where there "
    "are several trainings, else over items, which are drawn once for all runs"
)
RETAINED: dict[Key, str] = {
    R1_IMAGE_TO_TEXT: "R@1, image to text",
    ("retrieval", "image_to_text_r5"): "R@5, image to text",
    R1_TEXT_TO_IMAGE: "R@1, text to image",
    ("retrieval", "text_to_image_r5"): "R@5, text to image",
    ("classification", "fine_accuracy"): "Classes, fine",
    ("classification", "coarse_accuracy"): "Classes, coarse",
}


def before_after_table(study: Alignment) -> Html:
    """Return a row per model and objective: the metrics with intervals."""
    entries = _entries(study, OBJECTIVES, study.pooled)
    if not _measured(entries):
        return note("No model was aligned in this run.")
    return pooled_table("Before and after alignment.", "", entries, number_cell)


def difference_table(study: Alignment) -> Html:
    """Return a row per model and comparison: paired differences; bold where 0 is excluded."""

    def difference(model: str, comparison: Key, key: Key) -> Pooled | None:
        return study.pooled_difference(comparison, key, model)

    entries = _entries(study, COMPARISONS, difference)
    if not _measured(entries):
        return note("No two runs of one model were compared.")
    title = "What alignment changes: paired differences on the same items."
    remark = (
        " Bold: it excludes 0. Below it, where there are several trainings, the interval over "
        "items for these trainings, which says nothing of others."
    )
    return pooled_table(title, remark, entries, _difference_cell)


def _entries(
    study: Alignment, labels: Mapping[K, str], value: Callable[[str, K, Key], Pooled | None]
) -> list[Entry]:
    return [
        (model, label, [value(model, row, key) for key in METRICS])
        for model in study.models
        for row, label in labels.items()
    ]


def _measured(entries: Sequence[Entry]) -> list[Pooled]:
    return [value for *_, values in entries for value in values if value is not None]


def pooled_table(
    title: str, remark: str, entries: Sequence[Entry], cell: Callable[[Pooled | None], str]
) -> Html:
    """Return a row per entry of which anything was measured."""
    rows = []
    for model, label, values in entries:
        if found := [value.runs for value in values if value is not None]:
            name = two_lines(escape(model), label)
            rows.append([name, str(max(found) or "–"), *(cell(value) for value in values)])
    return table(
        title,
        f"{POOLED}, n = {span(value.n for value in _measured(entries))}.{remark} "
        "A dash: not measured.",
        ["Model", "Runs", *(heading(key) for key in METRICS)],
        rows,
    )


def _difference_cell(value: Pooled | None) -> str:
    if value is None:
        return number_cell(None)
    shown = signed(value.value)
    if direction(value):
        shown = f"<b>{shown}</b>"
    interval = signed_interval(value.low, value.high)
    if value.items is not None:
        interval += f"<br>items {signed_interval(*value.items)}"
    return two_lines(shown, interval)


def retention_table(study: Alignment) -> Html:
    """Return a row per model and objective: each metric as a share of its value before."""
    rows, sizes = [], set()
    for model in study.models:
        for comparison in COMPARISONS:
            if comparison[1] != "zeroshot":
                continue
            cells = []
            for key in RETAINED:
                before = study.pooled(model, "zeroshot", key)
                change = study.pooled_difference(comparison, key, model)
                cells.append(_share_cell(before, change))
                sizes |= {change.n} if change else set()
            if any(cell is not None for cell in cells):
                name = two_lines(escape(model), OBJECTIVES[comparison[0]])
                rows.append([name, *(cell or number_cell(None) for cell in cells)])
    if not rows:
        return note("No standard task was measured both before and after alignment.")
    return table(
        "What is retained of standard tasks.",
        f"After alignment, as a share of the value before: mean over {study.replications}; in "
        f"brackets the bootstrap 95% interval over {study.varied} of the pooled paired "
        "difference, added to "
        f"the value before and divided by it; n = {span(sizes)}.",
        ["Model", *RETAINED.values()],
        rows,
    )


def _share_cell(before: Pooled | None, change: Pooled | None) -> str | None:
    if before is None or change is None or before.value <= 0:
        return None
    share, low, high = (
        f"{100 * (before.value + part) / before.value:.1f}%"
        for part in (change.value, change.low, change.high)
    )
    return two_lines(share, f"[{low}, {high}]")
