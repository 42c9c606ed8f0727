"""The figures of alignment: paired differences, and learning curves over optimiser steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hierarcaps.report.changes import COMPARISONS, Alignment
from hierarcaps.report.dots import Band, Bands
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import (
    GREY,
    INK,
    MARKERS,
    PALETTE,
    TIER_SHADES,
    look,
    styled,
    svg_panel,
    tex,
)
from hierarcaps.report.study import METRICS, OBJECTIVES, Estimate, Key, Run, heading
from hierarcaps.report.wording import count, signed, signed_interval, span

COMPARED = Bands(
    {
        comparison: Band(label, colour, marker)
        for (comparison, label), colour, marker in zip(
            COMPARISONS.items(), (PALETTE[0], PALETTE[1], INK), "osD", strict=True
        )
    },
    apart=0.28,
    seeds_apart=0,  # one dot a band: the mean over runs
    size=4,
)
LINES = {"re": "-", "ec": (0, (4, 2))}


@styled
def difference_figure(study: Alignment) -> Html:
    """Return the paired differences: a panel per metric, a block per model with its dots."""
    found = {
        key: [mean for c in COMPARISONS for mean in study.pooled_differences(c, key).values()]
        for key in METRICS
    }
    pooled = [mean for means in found.values() for mean in means]
    if not pooled:
        return note("No two runs of one model were compared.")
    return figure(
        [_difference_panel(study, key) for key, means in found.items() if means],
        f"Paired differences on the same items. Dots: means over {study.replications}; bars: "
        f"their bootstrap 95% intervals over {study.varied}; ticks: each run. "
        "Right of 0 the first of the two is higher. Circles: RE minus zero-shot; squares: EC minus "
        "zero-shot; diamonds: RE minus EC. Each panel has its own scale. "
        f"n = {span(mean.n for mean in pooled)} items.",
    )


def _difference_panel(study: Alignment, key: Key) -> Panel:
    def of_model(model: str, comparison: Key) -> list[tuple[Run, Estimate]]:
        mean = study.pooled_difference(comparison, key, model)
        return [(study.runs(model, comparison[0])[0], mean)] if mean else []

    models = study.models
    drawn = Figure(figsize=(3.15, 1.25 + 0.62 * len(models)), layout="constrained")
    axes = drawn.add_subplot()
    axes.axvline(0, color=INK, linewidth=0.9)
    COMPARED.draw(axes, models, of_model)
    for row, model in enumerate(models):
        for place, (comparison, band) in zip(
            COMPARED.places(row), COMPARED.looks.items(), strict=True
        ):
            each = [difference.value for _, difference in study.differences(comparison, key, model)]
            axes.plot(
                each, [place + 0.1] * len(each), color=band.colour, marker="|", markersize=4,
                markeredgewidth=0.8, linestyle="none",
            )  # fmt: skip
    axes.locator_params(axis="x", nbins=5)
    axes.set_title(tex(heading(key)))
    axes.set_xlabel("difference")
    COMPARED.legend(drawn, axes, fontsize=7.5)
    described = "; ".join(
        f"{model} {label} {signed(mean.value)} {signed_interval(mean.low, mean.high)}"
        for model in models
        for comparison, label in COMPARISONS.items()
        for _, mean in of_model(model, comparison)
    )
    return svg_panel(drawn, f"Paired differences of {METRICS[key]}: {described}.")


@dataclass(frozen=True)
class Quantity:
    """A column of the curves as a panel: its title, axis and the objectives that have it."""

    column: str
    title: str
    axis: str
    objectives: tuple[str, ...] = ("re", "ec")
    scale: float = 1.0
    line_at: float | None = None


LOSSES = (
    Quantity("triplet", "RE: triplet loss", "mean $L_{RE}$ (rad)", ("re",)),
    Quantity("hard", "RE: hard examples", "$L_{hard}$ (rad)", ("re",)),
    Quantity("triplet", "EC: triplet loss", "mean $L_{EC}$ (rad)", ("ec",)),
    Quantity("hard", "EC: hard examples", "$L_{hard}$ (rad)", ("ec",)),
    Quantity("prior", "Prior preservation", "$(1 - \\cos) / 2$"),
)
DEGREES = 180 / np.pi
ANGLES = (
    Quantity("angle_positive", "Angle to the continuation", "Ξ(e, e′) (°)", scale=DEGREES),
    Quantity("angle_negative", "Angle to the contradiction", "Ξ(e, e″) (°)", scale=DEGREES),
    Quantity("angle_margin", "Margin between them", "difference (°)", scale=DEGREES, line_at=0),
)
OUTCOMES = (
    Quantity("angle_violations", "Triplets without a margin", "share"),
    Quantity("radius_violations", "Steps without a rising radius", "share"),
    Quantity("tau_d", "Order of the tiers", "$\\tau_d$"),
    Quantity("r1_retention", "R@1 retained", "R@1 / R@1 before", line_at=1),
)


@styled
def loss_figure(study: Alignment) -> Html:
    """Return the loss terms on validation, per objective."""
    return _curves(study, LOSSES, "Loss terms on held-out hierarchies. RE's and EC's are different "
                   "functions: their heights cannot be compared, the prior's can.")  # fmt: skip


@styled
def angle_figure(study: Alignment) -> Html:
    """Return exterior angles of continuations and contradictions, and their margin."""
    return _curves(study, ANGLES, "Exterior angles on held-out hierarchies, means over triplets "
                   "(e, its continuation e′, a text e″ that contradicts it).")  # fmt: skip


@styled
def outcome_figure(study: Alignment) -> Html:
    """Return violation rates, tau_d and the retention of R@1."""
    return _curves(study, OUTCOMES, "Violations and retention on held-out hierarchies. R@1 is the "
                   "mean of both directions, over its value before the first step.")  # fmt: skip


def _curves(study: Alignment, quantities: Sequence[Quantity], text: str) -> Html:
    panels = [panel for q in quantities if (panel := _curve_panel(study, q))]
    if not panels:
        return note("The curves of this run do not have these columns.")
    return figure(
        panels,
        f"{text} Colour and marker: model; solid: RE, dashed: EC. Lines: means over runs; "
        f"bands: from the lowest to the highest, no interval over items. "
        f"{_runs(study)}",
    )


def _runs(study: Alignment) -> str:
    models = len({run.model for run in study.curves})
    return (
        f"n = {count(len(study.curves), 'run')} of {count(models, 'model')}, {study.replications}."
    )


def _per_step(study: Alignment, model: str, objective: str, column: str) -> pd.DataFrame:
    """Return mean, lowest and highest run of a column at each validation step."""
    series = []
    for run, curve in study.curves.items():
        if (run.model, run.objective) == (model, objective) and column in curve:
            rows = curve[curve["split"] == "validation"].dropna(subset=[column])
            series.append(rows.set_index("step")[column])
    if not series:
        return pd.DataFrame()
    # Where early stopping ended one run before the others, the mean would change its runs.
    joined = pd.concat(series, axis=1, join="inner")
    return pd.DataFrame(
        {"mean": joined.mean(axis=1), "low": joined.min(axis=1), "high": joined.max(axis=1)}
    )


def _curve_panel(study: Alignment, quantity: Quantity) -> Panel | None:
    drawn = Figure(figsize=(3.0, 2.9), layout="constrained")
    axes = drawn.add_subplot()
    described = []
    for model in study.models:
        for objective in quantity.objectives:
            values = _per_step(study, model, objective, quantity.column) * quantity.scale
            if values.empty:
                continue
            label = f"{model} {OBJECTIVES[objective]}"
            style = look(study.results, study.runs(model, objective)[0])
            _line(axes, values, style.colour, LINES[objective], label, style.marker)
            described.append(_ends(label, values))
    if not described:
        return None
    if quantity.line_at is not None:
        axes.axhline(quantity.line_at, color=GREY, linewidth=0.9)
    axes.set_title(quantity.title)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel(quantity.axis)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    drawn.legend(loc="outside lower left", ncols=2, handlelength=2.6, columnspacing=1)
    return svg_panel(drawn, f"Curves of {quantity.title.lower()}: {'; '.join(described)}.")


def _line(
    axes: Axes, values: pd.DataFrame, colour: str, line: object, label: str, marker: str
) -> None:
    steps = values.index.to_numpy()
    axes.fill_between(steps, values["low"], values["high"], color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        steps,
        values["mean"],
        color=colour,
        linestyle=line,  # type: ignore[arg-type]
        marker=marker,
        markersize=3.5,
        label=label,
    )


def _ends(label: str, values: pd.DataFrame) -> str:
    first, last = values["mean"].iloc[0], values["mean"].iloc[-1]
    return f"{label} from {first:.3f} to {last:.3f}"


@styled
def radius_figure(study: Alignment) -> Html:
    """Return the mean radius of each tier over steps: a panel per model and objective."""
    panels = []
    for model in study.models:
        for objective in LINES:
            drawn = Figure(figsize=(3.0, 2.7), layout="constrained")
            axes = drawn.add_subplot()
            described = []
            for tier, (shade, marker) in enumerate(zip(TIER_SHADES, MARKERS, strict=False), 1):
                values = _per_step(study, model, objective, f"radius_{tier}")
                if not values.empty:
                    _line(axes, values, shade, LINES[objective], f"tier {tier}", marker)
                    described.append(_ends(f"tier {tier}", values))
            if not described:
                continue
            axes.set_title(f"{model}, {OBJECTIVES[objective]}")
            axes.set_xlabel("optimiser step")
            axes.set_ylabel("radius $d_r$ (chord length)")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            drawn.legend(loc="outside lower left", ncols=4, handlelength=1.4, columnspacing=0.8)
            alt = f"Radius per tier, {model} {OBJECTIVES[objective]}: {'; '.join(described)}."
            panels.append(svg_panel(drawn, alt))
    if not panels:
        return note("The curves of this run have no radii.")
    return figure(
        panels,
        "Mean distance of held-out captions from the embedding of the empty string, by tier "
        "(darker: more specific). Each panel has its own vertical scale. Lines: means over runs; "
        "bands: from the lowest to the highest, no interval over items. "
        f"{_runs(study)}",
    )
