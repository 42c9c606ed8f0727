"""Published numbers beside this run's: what can be compared, and in words what cannot."""

from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from hierarcaps.evaluation.published import COLUMNS
from hierarcaps.report.changes import Alignment
from hierarcaps.report.dots import dot, name_rows
from hierarcaps.report.markup import (
    Html,
    Panel,
    figure,
    note,
    number_cell,
    prose,
    table,
    two_lines,
)
from hierarcaps.report.plot_style import GREY, INK, MARKERS, PALETTE, styled, svg_panel
from hierarcaps.report.study import PRECISION, RECALL, TAU_D, Estimate, Key, read_table
from hierarcaps.report.wording import count, number, signed, signed_span, span

OBJECTIVES = {
    "zeroshot": "zero-shot",
    "re": "+ RE",
    "ec": "+ EC",
    "rcme": "+ RCME",
    "hycoclip": "+ HyCoCLIP",
    "atmg": "+ ATMG",
    "reference": "reference value",
}
# The source whose effects sentences quote.
PAPER = "paper"
METRICS = {
    "precision": "precision",
    "recall": "recall",
    "tau_d": "τ_d",
    "spearman_all": "Spearman's ρ",
    "text_to_image_r1": "R@1, text to image",
    "text_to_image_r5": "R@5, text to image",
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
    measured, alike = rows["runs"] > 0, rows["comparable"]
    text = (
        f"Of {count(len(rows), 'published value')} this run has a number of its own for "
        f"{measured.sum():,}, and for {alike.sum():,} of them all that decides it is known to be "
        "the same"
    )
    waiting = int((~measured).sum())
    if waiting:
        text += f"; {waiting:,} were not run, for the reasons that the tables give"
    return f"{text}."


def _agreement(study: Alignment, rows: pd.DataFrame) -> str:
    ours = rows[rows["comparable"]]
    if ours.empty:
        test_set = study.results.info["test_set"]
        models = len({run.model for run in study.results.of_kind("model")})
        return (
            f"What was measured, {count(models, 'model')} on "
            f"{count(test_set['n_items'], 'test hierarchy', 'test hierarchies')} "
            f"({test_set['source']}), can neither confirm nor contradict those values: the tables "
            "say what differs."
        )
    # Half a unit of the last printed decimal belongs to a published value.
    half = 0.5 * 0.1 ** ours["decimals"]
    near = (ours["published"] - ours["low"] > -half) & (ours["high"] - ours["published"] > -half)
    apart = ours.loc[ours["difference"].abs().idxmax()]
    return (
        f"{near.sum():,} of these {len(ours):,} comparable values lie within our 95% interval, to "
        f"their printed decimals; the largest difference is {signed(apart['difference'])}, in "
        f"{_metric(apart['metric'])} of {_label(apart)}."
    )


def _direction(study: Alignment, rows: pd.DataFrame) -> str:
    parts = []
    for key, name in EFFECTS.items():
        published = [
            f"{two_decimals(value)} for {model}"
            for source, model, value in effects(rows, key)
            if source == PAPER
        ]
        found = study.pooled_differences(("re", "zeroshot"), key)
        ours = [mean.value for mean in found.values()]
        if published and ours:
            parts.append(f"{name} {', '.join(published)} in the paper, {signed_span(ours)} here")
    if not parts:
        return "No effect of alignment was measured in this run to set beside the paper's."
    return (
        f"What RE changes against zero-shot: {'; '.join(parts)} "
        f"({count(len(study.models), 'model')} of this run, means over {study.replications})."
    )


def two_decimals(effect: float) -> str:
    """Return a published effect with the decimals that its values were printed with."""
    return signed(effect)[:-1]


def effects(
    rows: pd.DataFrame, key: Key, reference: str = "zeroshot"
) -> list[tuple[str, str, float]]:
    """Return source, model and published RE minus its reference of each that has both."""
    task, metric = key
    found = rows[(rows["task"] == task) & (rows["metric"] == metric)]
    values = found.pivot(index=["source", "model"], columns="objective", values="published")
    if not {"re", reference} <= set(values):
        return []
    effect = (values["re"] - values[reference]).dropna()
    # In the order of the file: the paper first.
    order = dict.fromkeys(zip(found["source"], found["model"], strict=True))
    return [(*pair, float(effect[pair])) for pair in order if pair in effect.index]


def _metric(name: str) -> str:
    return METRICS.get(name, name)


def _label(row: Any) -> str:
    return f"{row.model} {OBJECTIVES.get(row.objective, row.objective)}"


def _by_table(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each table of each source, with its title."""
    parts = rows.groupby(["source", "table"], sort=False)
    return [(f"{name} ({source})", part) for (source, name), part in parts]


def published_tables(rows: pd.DataFrame) -> Html:
    """Return a table per source and table: published values over ours, and their status."""
    tables = []
    for title, part in _by_table(rows):
        metrics = list(dict.fromkeys(part["metric"]))
        body = []
        for (model, objective), own in part.groupby(["model", "objective"], sort=False):
            found = {row.metric: _cell(row) for row in own.itertuples()}
            label = escape(OBJECTIVES.get(str(objective), str(objective)))
            first = two_lines(escape(str(model)), label)
            cells = [found.get(metric, number_cell(None)) for metric in metrics]
            body.append([first, *cells, _status_cell(own)])
        tables.append(
            table(
                f"{title}.",
                f"{'; '.join(dict.fromkeys(part['citation']))}.",
                ["Model", *(_metric(metric) for metric in metrics), "Status of ours"],
                body,
                "hc-status",
            )
        )
    explained = note(
        "In each cell the published value; below it ours (of aligned models the mean over "
        "their runs) with its bootstrap 95% interval, and the difference to "
        "the published value where all that decides it is known to be the same. A dash: not "
        "published."
    )
    return Html("\n".join(each.text for each in (explained, *tables)))


def _printed(row: Any) -> str:
    """Return a published value with the decimals that it was printed with."""
    return f"{row.published:.{row.decimals}f}"


def _cell(row: Any) -> str:
    """Return the cell of a row of ``published.csv``."""
    if not row.runs:
        return _printed(row)
    value, interval = str(Estimate(row.ours, row.low, row.high, 0)).split(" ", 1)
    difference = f" ({signed(row.difference)})" if row.comparable else ""
    return two_lines(_printed(row), f"ours {value}{difference}<br>{interval}")


def _status_cell(own: pd.DataFrame) -> str:
    """Return what is the same and what differs: once where it is so for all metrics of a row."""
    said = own.groupby("status", sort=False)
    lines = []
    for status, part in said:
        head, first = "", part.iloc[0]
        if first["runs"]:
            by_name = first["run"] == f"{first['model']} {first['objective']}"
            which_run = "" if by_name else f" (our {escape(first['run'])})"
            head = (
                f"<b>{'Comparable' if first['comparable'] else 'Not comparable'}{which_run}.</b> "
            )
        metrics = ", ".join(map(_metric, part["metric"]))
        which = f"{prose(metrics)}: " if len(said) > 1 else ""
        lines.append(f"<div>{which}{head}{prose(str(status))}.</div>")
    return "".join(lines)


@styled
def published_figure(rows: pd.DataFrame) -> Html:
    """Return the published values, and ours where they were measured, a panel per table."""
    measured = int((rows["runs"] > 0).sum())
    ours = (
        "dots: ours, of aligned models means over their runs; bars: bootstrap "
        "95% intervals; blue: comparable, grey: something differs or is not known, as "
        "the tables say"
        if measured
        else "none of them was measured in this run, so there is no dot, seed or interval of ours"
    )
    return figure(
        [_panel(title, part) for title, part in _by_table(rows)],
        f"Open diamonds: published values, without interval, as none is published; {ours}. "
        f"n = {count(len(rows), 'published value')}, {measured:,} of them measured here.",
    )


def _panel(name: str, part: pd.DataFrame) -> Panel:
    labels = [f"{_label(row)}, {_metric(row.metric)}" for row in part.itertuples()]
    drawn = Figure(figsize=(4.7, 0.9 + 0.24 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    described = []
    for place, row in enumerate(part.itertuples()):
        axes.plot(
            row.published, place, marker="D", mfc="white", color=INK, markersize=6, linestyle="none"
        )
        text = f"{labels[place]}: published {_printed(row)}"
        if row.runs:
            estimate = Estimate(row.ours, row.low, row.high, 0)
            colour = PALETTE[0] if row.comparable else GREY
            dot(axes, estimate, place, color=colour, marker="o", markersize=5)
            text += f", ours {number(row.ours)}{'' if row.comparable else ', not comparable'}"
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
    found = [study.pooled_differences(("re", "zeroshot"), key) for key in EFFECTS]
    means = [mean for each in found for mean in each.values()]
    return figure(
        panels,
        "RE minus zero-shot. Open diamonds: differences of the published values, without interval; "
        "two printed decimals leave 0.01 of doubt. Others: paired differences of this "
        "run's own models on its own test set, means over "
        f"{study.replications}, with bootstrap 95% intervals over {study.varied}; "
        "other models, other data and another recipe, so only the direction "
        f"can be compared. n = {span(mean.n for mean in means)} items.",
    )


def _effect_panel(study: Alignment, rows: pd.DataFrame, key: Key) -> Panel | None:
    published = effects(rows, key)
    ours = study.pooled_differences(("re", "zeroshot"), key)
    labels = [f"{model} ({source})" for source, model, _ in published]
    labels += list(ours)
    if not ours:
        return None
    drawn = Figure(figsize=(3.15, 0.9 + 0.34 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    axes.axvline(0, color=INK, linewidth=0.9)
    described = []
    for place, (source, model, value) in enumerate(published):
        axes.plot(value, place, marker="D", mfc="white", color=INK, markersize=6)
        described.append(f"{model} in {source} {signed(value)}")
    for row, (model, mean) in enumerate(ours.items()):
        dot(
            axes,
            mean,
            len(published) + row,
            color=PALETTE[row % len(PALETTE)],
            marker=MARKERS[row % len(MARKERS)],
            markersize=4.5,
            elinewidth=1.1,
        )
        described.append(f"{model} {signed(mean.value)}")
    name_rows(axes, labels)
    axes.locator_params(axis="x", nbins=5)
    name = EFFECTS[key]
    axes.set_title(f"{name[0].upper()}{name[1:]}".replace("Τ_d", "$\\tau_d$"))
    axes.set_xlabel("RE minus zero-shot")
    return svg_panel(drawn, f"Effect of RE on {name}: {'; '.join(described)}.")
