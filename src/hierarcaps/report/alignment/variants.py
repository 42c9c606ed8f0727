"""Variants of the alignment recipe: ablations and the sweep, where they were run."""

from pathlib import Path

from matplotlib.figure import Figure

from hierarcaps.evaluation.results import SUMMARY_COLUMNS
from hierarcaps.report.alignment.tables import Entry, pooled_table
from hierarcaps.report.dots import dot, name_rows
from hierarcaps.report.markup import Html, Panel, figure, note, number_cell
from hierarcaps.report.plot_style import (
    INK,
    MARKERS,
    PALETTE,
    REFERENCE_LINE,
    styled,
    svg_panel,
    tex,
)
from hierarcaps.report.study import (
    HEADLINE,
    METRICS,
    NOT_EVALUATED,
    OBJECTIVES,
    POOLED,
    Key,
    Pooled,
    heading,
    located,
    read_pooled,
    read_table,
)
from hierarcaps.report.wording import number, replications, span, varied

REFERENCE = "zeroshot"


def variants(folder: str | Path, title: str, command: str) -> Html:
    """Return a figure and a table of every objective in a results folder, pooled over runs.

    Args:
        folder: of results; where it has no ``pooled.csv``, one sentence says how to make it.
        title: plain text, the table's title.
        command: what makes the folder.
    """
    root = located(folder)
    if not (root / POOLED).is_file():
        return note(
            f"Not part of this run: `{command}` makes {folder}, and the next rendering shows it."
        )
    entries = read_variants(root)
    return _figure(entries) + pooled_table(title, "", _rows(entries), number_cell)


def read_variants(root: Path) -> dict[tuple[str, str], dict[Key, Pooled]]:
    """Return the metrics of each (model, objective), that of the model before first."""
    summary = read_table(root / "summary.csv", SUMMARY_COLUMNS, NOT_EVALUATED)
    before = summary[summary["objective"] == REFERENCE].dropna(subset=["value"])
    before = before.drop_duplicates(["model", "task", "metric"])  # of several, the mean is pooled
    aligned = read_pooled(root)
    found: dict[tuple[str, str], dict[Key, Pooled]] = {}
    for model in dict.fromkeys(model for model, *_ in aligned):
        found[model, REFERENCE] = {
            (row.task, row.metric): Pooled(row.value, row.low, row.high, int(row.n))
            for row in before[before["model"] == model].itertuples()
        }
        for (name, objective, reference, *key), mean in aligned.items():
            if name == model and not reference:
                found.setdefault((model, objective), {})[key[0], key[1]] = mean
    return found


def _name(objective: str) -> str:
    return OBJECTIVES.get(objective, objective)


def _rows(entries: dict[tuple[str, str], dict[Key, Pooled]]) -> list[Entry]:
    return [
        (model, _name(objective), [values.get(key) for key in METRICS])
        for (model, objective), values in entries.items()
    ]


@styled
def _figure(entries: dict[tuple[str, str], dict[Key, Pooled]]) -> Html:
    keys = [key for key in HEADLINE if any(key in values for values in entries.values())]
    every = [values[key] for values in entries.values() for key in keys if key in values]
    if not every:
        return note("None of these runs has the metrics that are drawn.")
    numbers = (
        [value.trainings for value in every if value.trainings > 1],
        [value.runs for value in every if value.runs > value.trainings],
    )
    return figure(
        [_panel(entries, key) for key in keys],
        f"Every variant of the recipe. Marks: means over {replications(*numbers)}; bars: their "
        f"bootstrap 95% intervals over {varied(*numbers)}. Dashed: zero-shot. Each panel has its "
        f"own scale. n = {span(value.n for value in every)} items.",
    )


def _panel(entries: dict[tuple[str, str], dict[Key, Pooled]], key: Key) -> Panel:
    models = list(dict.fromkeys(model for model, _ in entries))
    drawn = Figure(figsize=(4.7, 0.9 + 0.24 * len(entries)), layout="constrained")
    axes = drawn.add_subplot()
    described, labels = [], []
    for place, ((model, objective), values) in enumerate(entries.items()):
        labels.append(_name(objective) if len(models) == 1 else f"{model} {_name(objective)}")
        if key not in values:
            continue
        estimate = values[key]
        colour = INK if objective == REFERENCE else PALETTE[objective.startswith("ec")]
        if objective == REFERENCE:
            axes.axvline(estimate.value, **REFERENCE_LINE)
        marker = MARKERS[models.index(model) % len(MARKERS)]
        dot(axes, estimate, place, color=colour, marker=marker, markersize=5)
        described.append(f"{labels[-1]} {number(estimate.value)}")
    name_rows(axes, labels)
    axes.set_title(tex(heading(key)))
    axes.set_xlabel("mean over items (no unit)")
    return svg_panel(drawn, f"{heading(key)} of each variant: {'; '.join(described)}.")
