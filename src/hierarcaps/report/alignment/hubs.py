"""Hubs before and after alignment, and whether they explain what alignment changes."""

from html import escape

from hierarcaps.report.alignment.tables import POOLED
from hierarcaps.report.changes import Alignment, direction
from hierarcaps.report.markup import Html, note, number_cell, table, two_lines
from hierarcaps.report.study import OBJECTIVES, PRECISION, Key
from hierarcaps.report.wording import signed, signed_interval, span

WITHOUT_WORST = ("hubness", "precision_without_worst")
COLUMNS: dict[Key, str] = {
    ("hubness", "most_wrongly_after_first"): "Images of the worst hub",
    ("hubness", "skewness"): "Skewness",
    PRECISION: "Precision",
    ("hubness", "precision_without_first"): "without the first text",
    WITHOUT_WORST: "without the ten worst",
    **{("hierarchical_retrieval", f"recall_tier_{t}"): f"Recall, tier {t}" for t in range(1, 5)},
}


def explanation(study: Alignment) -> str:
    """Return sentences: does what RE changes in precision stand where hubs are left out?"""
    parts = []
    for model in study.models:
        whole, without = (
            study.pooled_difference(("re", "zeroshot"), key, model)
            for key in (PRECISION, WITHOUT_WORST)
        )
        if whole is None or without is None:
            continue
        numbers = ", then ".join(
            f"{signed(each.value)} {signed_interval(each.low, each.high)}"
            for each in (whole, without)
        )
        parts.append(f"{model} {numbers} ({_said(direction(whole), direction(without))})")
    if not parts:
        return "What hubs have to do with alignment was not measured in this run."
    return (
        "RE's change of precision, with all texts, then without the ten that most images retrieve "
        f"wrongly (found on the other half of the images): {'; '.join(parts)}."
    )


def _said(whole: int, without: int) -> str:
    """Return what the directions of a change with and without hubs say."""
    if not whole:
        return "it is shown only without hubs" if without else "none is shown either way"
    return "hubs alone do not explain it" if without == whole else "without hubs it is not shown"


def hub_table(study: Alignment) -> Html:
    """Return a row per model and objective: hubs, precision without them, recall by tier."""
    rows, measured = [], []
    for model in study.models:
        for objective, label in OBJECTIVES.items():
            found = [study.pooled(model, objective, key) for key in COLUMNS]
            if any(
                value and key[0] == "hubness" for key, value in zip(COLUMNS, found, strict=True)
            ):
                measured += [value for value in found if value]
                name = two_lines(escape(model), label)
                rows.append([name, *(number_cell(value) for value in found)])
    if not rows:
        return note("Hubs were not measured in this run.")
    return table(
        "Hubs in hierarchical retrieval, before and after alignment.",
        f"{POOLED}, n = {span(value.n for value in measured)}.",
        ["Model", *COLUMNS.values()],
        rows,
    )
