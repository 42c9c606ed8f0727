"""The paper's numbers beside this run's, as far as this run measured the same thing."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierarcaps.evaluation.published import COLUMNS
from hierarcaps.report.changes import Alignment
from hierarcaps.report.dots import centred, dot, name_rows
from hierarcaps.report.markup import Html, Panel, figure, note, number_cell, table
from hierarcaps.report.plot_style import GREY, INK, MARKERS, PALETTE, styled, svg_panel
from hierarcaps.report.study import PRECISION, RECALL, TAU_D, Estimate, Key, read_table
from hierarcaps.report.wording import count, number, signed, signed_span

OBJECTIVES = {"zeroshot": "zero-shot", "re": "+ RE", "ec": "+ EC"}
METRICS = {
    "precision": "precision",
    "recall": "recall",
    "tau_d": "τ_d",
    "spearman_all": "Spearman's ρ",
    "text_to_image_r1": "R@1, text to image",
}
EFFECTS: dict[Key, str] = {PRECISION: "precision", RECALL: "recall", TAU_D: "τ_d"}


def read_comparison(path: str | Path) -> pd.DataFrame:
    """Return the rows of ``published.csv``: ours beside the published values.

    Raises:
        InputError: missing, or without one of the columns.
    """
    return read_table(Path(path), COLUMNS, "compare with the published values before rendering")


def opening(study: Alignment, rows: pd.DataFrame) -> list[str]:
    """Return three plain-text sentences: what was run, how near it comes, which way things move."""
    return [_coverage(rows), _agreement(study, rows), _direction(study, rows)]


def _coverage(rows: pd.DataFrame) -> str:
    run = rows["status"] == "run"
    text = f"{run.sum():,} of {count(len(rows), 'published value')} could be measured in this run"
    waiting = list(dict.fromkeys(rows.loc[~run, "model"]))
    if waiting:
        text += f"; the others wait for weights or data ({', '.join(waiting)})"
    return f"{text}."


def _agreement(study: Alignment, rows: pd.DataFrame) -> str:
    ours = rows[rows["status"] == "run"]
    if ours.empty:
        test_set = study.results.info["test_set"]
        models = len({run.model for run in study.results.of_kind("model")})
        return (
            f"What was measured instead, {count(models, 'model')} on "
            f"{count(test_set['n_items'], 'test hierarchy', 'test hierarchies')} "
            f"({test_set['source']}), can neither confirm nor contradict those values: other "
            "models on other data."
        )
    # Published values have two decimals: half a unit of the last one belongs to them.
    near = (ours["published"] - ours["low"] > -0.005) & (ours["high"] - ours["published"] > -0.005)
    apart = ours.loc[ours["difference"].abs().idxmax()]
    return (
        f"{near.sum():,} of these {len(ours):,} published values lie within our 95% interval, to "
        f"their two decimals; the largest difference is {signed(apart['difference'])}, in "
        f"{_metric(apart['metric'])} of {apart['model']} {OBJECTIVES[apart['objective']]}."
    )


def _direction(study: Alignment, rows: pd.DataFrame) -> str:
    parts = []
    for key, name in EFFECTS.items():
        published = [f"{signed(value)[:-1]} for {model}" for model, value in _effects(rows, key)]
        ours = [
            mean.value
            for model in study.models
            if (mean := study.pooled_difference(("re", "zeroshot"), key, model)) is not None
        ]
        if published and ours:
            parts.append(f"{name} {', '.join(published)} in the paper, {signed_span(ours)} here")
    if not parts:
        return "No effect of alignment was measured in this run to set beside the paper's."
    return (
        f"What RE changes against zero-shot: {'; '.join(parts)} "
        f"({count(len(study.models), 'model')} of this run)."
    )


def _effects(rows: pd.DataFrame, key: Key) -> list[tuple[str, float]]:
    """Return the published RE minus zero-shot of each model that has both."""
    task, metric = key
    found = rows[(rows["task"] == task) & (rows["metric"] == metric)]
    values = found.pivot(index="model", columns="objective", values="published")
    if not {"re", "zeroshot"} <= set(values):
        return []
    effect = (values["re"] - values["zeroshot"]).dropna()
    return [(str(model), float(value)) for model, value in effect.items()]


def _metric(name: str) -> str:
    return METRICS.get(name, name)


def published_tables(rows: pd.DataFrame) -> Html:
    """Return a table per table of the paper: published values over ours, or ``not run``."""
    tables = []
    for name, part in rows.groupby("table", sort=False):
        metrics = list(dict.fromkeys(part["metric"]))
        body = []
        for (model, objective), own in part.groupby(["model", "objective"], sort=False):
            found = {row.metric: _cell(row) for row in own.itertuples()}
            label = escape(OBJECTIVES.get(str(objective), str(objective)))
            first = f'{escape(str(model))} <span class="hc-interval">{label}</span>'
            body.append([first, *(found.get(metric, number_cell(None)) for metric in metrics)])
        sources = "; ".join(dict.fromkeys(part["source"]))
        tables.append(
            table(
                f"{name}.",
                f"Published values ({sources}); below each ours, the mean over seeds with the "
                "outermost limits of their bootstrap 95% intervals over items and the difference, "
                "or that it was not run. A dash: not published.",
                ["Model", *(_metric(metric) for metric in metrics)],
                body,
            )
        )
    return Html("\n".join(each.text for each in tables))


def _cell(row: Any) -> str:
    """Return the cell of a row of ``published.csv``."""
    ours = "not run"
    if row.status == "run":
        estimate = Estimate(row.ours, row.low, row.high, 0)
        ours = f"ours {estimate}, {signed(row.difference)}, {count(row.seeds, 'seed')}"
    return f'{row.published:.2f} <span class="hc-interval">{ours}</span>'


@styled
def published_figure(rows: pd.DataFrame) -> Html:
    """Return the published values, and ours where they were measured, a panel per table."""
    run = rows[rows["status"] == "run"]
    seeds = f"{int(run['seeds'].min())} to {int(run['seeds'].max())} seeds" if len(run) else ""
    ours = (
        f"dots: ours, means over {seeds}; bars: the outermost limits of their bootstrap 95% "
        "intervals over items"
        if len(run)
        else "none of them was measured in this run, so there is no dot, seed or interval of ours"
    )
    return figure(
        [_panel(str(name), part) for name, part in rows.groupby("table", sort=False)],
        f"Open diamonds: published values, without interval, as none is published; {ours}. "
        f"n = {count(len(rows), 'published value')}, {len(run):,} of them measured here.",
    )


def _panel(name: str, part: pd.DataFrame) -> Panel:
    labels = [
        f"{row.model} {OBJECTIVES.get(row.objective, row.objective)}, {_metric(row.metric)}"
        for row in part.itertuples()
    ]
    drawn = Figure(figsize=(4.7, 0.9 + 0.24 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    described = []
    for place, row in enumerate(part.itertuples()):
        axes.plot(
            row.published, place, marker="D", mfc="white", color=INK, markersize=6, linestyle="none"
        )
        text = f"{labels[place]}: published {row.published:.2f}"
        if row.status == "run":
            estimate = Estimate(row.ours, row.low, row.high, 0)
            dot(axes, estimate, place, color=PALETTE[0], marker="o", markersize=5)
            text += f", ours {number(row.ours)}"
        else:
            axes.annotate(
                "not run", (row.published, place), (8, 0), textcoords="offset points",
                va="center", fontsize=7.5, color=GREY,
            )  # fmt: skip
            text += ", not run"
        described.append(text)
    name_rows(axes, [label.replace("τ_d", "$\\tau_d$") for label in labels])
    axes.set_xlim(0, 1.1)
    axes.set_title(name)
    axes.set_xlabel("value (no unit)")
    return svg_panel(drawn, f"{name}, published and ours: {'; '.join(described)}.")


@styled
def effect_figure(study: Alignment, rows: pd.DataFrame) -> Html:
    """Return what RE changes against zero-shot: the paper's models beside this run's."""
    panels = [panel for key in EFFECTS if (panel := _effect_panel(study, rows, key))]
    if not panels:
        return note("No effect of alignment was measured in this run to set beside the paper's.")
    pairs = [pair for key in EFFECTS for pair in study.differences(("re", "zeroshot"), key)]
    sizes = sorted({difference.n for _, difference in pairs})
    seeds = sorted({run.seed for run, _ in pairs})
    return figure(
        panels,
        "RE minus zero-shot. Open diamonds: differences of the published values, whose two "
        "decimals each leave 0.01 of doubt, without interval. Others: paired differences of this "
        "run's own "
        "models on its own test set, one per seed, with bootstrap 95% intervals over items; other "
        "models, other data and another recipe, so only the direction can be compared. "
        f"n = {', '.join(f'{n:,}' for n in sizes)} items, seeds {', '.join(map(str, seeds))}.",
    )


def _effect_panel(study: Alignment, rows: pd.DataFrame, key: Key) -> Panel | None:
    published = _effects(rows, key)
    ours = [(m, study.differences(("re", "zeroshot"), key, m)) for m in study.models]
    labels = [f"{model} (paper)" for model, _ in published] + [model for model, _ in ours]
    if not any(pairs for _, pairs in ours):
        return None
    drawn = Figure(figsize=(3.15, 0.9 + 0.34 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    axes.axvline(0, color=INK, linewidth=0.9)
    described = []
    for place, (model, value) in enumerate(published):
        axes.plot(value, place, marker="D", mfc="white", color=INK, markersize=6)
        described.append(f"{model} published {signed(value)}")
    described += _draw_ours(axes, ours, len(published))
    name_rows(axes, labels)
    axes.locator_params(axis="x", nbins=5)
    name = EFFECTS[key]
    axes.set_title(f"{name[0].upper()}{name[1:]}".replace("Τ_d", "$\\tau_d$"))
    axes.set_xlabel("RE minus zero-shot")
    return svg_panel(drawn, f"Effect of RE on {name}: {'; '.join(described)}.")


def _draw_ours(axes: Axes, ours: Sequence[tuple[str, list]], start: int) -> list[str]:
    described = []
    for row, (model, pairs) in enumerate(ours):
        for (run, difference), offset in zip(pairs, centred(len(pairs), 0.2), strict=True):
            dot(
                axes,
                difference,
                start + row + offset,
                color=PALETTE[row % len(PALETTE)],
                marker=MARKERS[row % len(MARKERS)],
                markersize=4.5,
                elinewidth=1.1,
            )
            described.append(f"{model} seed {run.seed} {signed(difference.value)}")
    return described
