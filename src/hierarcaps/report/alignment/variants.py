"""Variants of the alignment recipe: ablations and the sweep, where they were run."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

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
    OBJECTIVES,
    Estimate,
    Key,
    Pooled,
    heading,
    located,
    pool,
)
from hierarcaps.report.wording import number, span

REFERENCE = "zeroshot"


def variants(folder: str | Path, title: str, command: str) -> Html:
    """Return a figure and a table of every objective in a results folder, pooled over seeds.

    Args:
        folder: of results; where it has no ``summary.csv``, one sentence says how to make it.
        title: plain text, the table's title.
        command: what makes the folder.
    """
    path = located(Path(folder) / "summary.csv")
    if not path.is_file():
        return note(
            f"Not part of this run: `{command}` makes {folder}, and the next rendering shows it."
        )
    entries = read_variants(path)
    return _figure(entries) + pooled_table(title, "", _rows(entries), number_cell)


def read_variants(path: Path) -> dict[tuple[str, str], dict[Key, Pooled]]:
    """Return the metrics of each (model, objective), baselines and untrained models left out."""
    summary = pd.read_csv(path)
    summary = summary[~(summary["objective"] == "baseline")]
    summary = summary[~summary["model"].str.endswith("-untrained")].dropna(subset=["value"])
    found: dict[tuple[str, str], dict[Key, Pooled]] = {}
    for (model, objective), rows in summary.groupby(["model", "objective"], sort=False):
        found[str(model), str(objective)] = {
            key: pooled for key in METRICS if (pooled := pool(_estimates(rows, key))) is not None
        }
    return found


def _estimates(rows: pd.DataFrame, key: Key) -> list[Estimate]:
    task, metric = key
    found = rows[(rows["task"] == task) & (rows["metric"] == metric)]
    return [Estimate(r.value, r.low, r.high, int(r.n)) for r in found.itertuples()]


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
    seeds = span(value.seeds for value in every)
    return figure(
        [_panel(entries, key) for key in keys],
        "Every variant of the recipe. Marks: means over seeds; bars: the outermost limits of the "
        "seeds' bootstrap 95% intervals over items. Dashed: zero-shot. Each panel has its own "
        f"scale. n = {span(value.n for value in every)} items, {seeds} "
        f"seed{'' if seeds == '1' else 's'} per variant.",
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
