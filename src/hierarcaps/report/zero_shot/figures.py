"""The figures of zero-shot probing: each states n, seeds and interval in its caption."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hierarcaps.report.dots import dot, name_rows
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import (
    GREY,
    REFERENCE_LINE,
    TIER_TICKS,
    Look,
    error_bar,
    line_style,
    look,
    styled,
    svg_panel,
    tex,
)
from hierarcaps.report.study import PRECISION, RECALL, TAU_D, TAU_D_CONTROLLED, Key, Results, Run
from hierarcaps.report.wording import count, first_seed, span

MODALITY_GAP = "modality_gap"


@styled
def ordering_figure(results: Results) -> Html:
    """Return tau_d and length-controlled tau_d: a dot and 95% interval per run, a row per model."""
    titles = {TAU_D: "τ_d, all pairs of tiers", TAU_D_CONTROLLED: "τ_d, length-controlled"}
    panels = [_ordering_panel(results, key, title) for key, title in titles.items()]
    numbers = "; ".join(
        f"{name}: n = {sizes_of(results, key)}"
        for key, name in ((TAU_D, "all pairs"), (TAU_D_CONTROLLED, "length-controlled"))
    )
    return figure(
        [panel for panel in panels if panel],
        "Kendall's τ_d between tier order and radius; 1 is the right order, 0 none. Dots: mean "
        "over items, one per seed; bars: bootstrap 95% intervals over items. Grey open marks: "
        f"untrained controls; crosses, stars: no model. Dashed: length in words. Items: {numbers}.",
    )


def sizes_of(results: Results, key: Key) -> str:
    """Return the number of items behind a metric; a range where it differs between runs."""
    return span(e.n for _, e in results.measured(*key, "model", "untrained", "baseline"))


def _ordering_panel(results: Results, key: Key, title: str) -> Panel | None:
    measured = results.measured(*key, "model", "untrained", "baseline")
    if not measured:
        return None
    rows = list(dict.fromkeys(run.label for run, _ in measured))
    drawn = Figure(figsize=(4.4, 0.7 + 0.31 * len(rows)), layout="constrained")
    axes = drawn.add_subplot()
    for row, label in enumerate(rows):
        seeds = [pair for pair in measured if pair[0].label == label]
        offsets = np.linspace(-0.2, 0.2, len(seeds)) if len(seeds) > 1 else [0.0]
        for (run, estimate), offset in zip(seeds, offsets, strict=True):
            style = look(results, run)
            if run.model == "words":
                axes.axvline(estimate.value, **REFERENCE_LINE)
            marker = style.marker_style()
            dot(axes, estimate, row + offset, color=style.colour, markersize=5.5, **marker)
    name_rows(axes, rows)
    axes.set_xlim(min(0.0, *(e.low for _, e in measured)) - 0.05, 1.05)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_title(tex(title))
    axes.set_xlabel("mean Kendall's $\\tau$ (no unit)")
    numbers = "; ".join(f"{results.name(run)} {estimate}" for run, estimate in measured)
    return svg_panel(drawn, f"Dot plot of {title}, with 95% intervals: {numbers}.")


def violins(axes: Axes, columns: Sequence[np.ndarray], style: Look) -> list[float]:
    """Draw violins at 1, 2, ... with quartile bars and median dots; return the medians."""
    columns = [values[np.isfinite(values)] for values in columns]
    places = [i for i, values in enumerate(columns, start=1) if len(values)]
    kept = [values for values in columns if len(values)]
    if not kept:
        return []
    for body in axes.violinplot(kept, places, widths=0.85, showextrema=False)["bodies"]:  # type: ignore[attr-defined]
        body.set(facecolor=style.colour, edgecolor=style.colour, alpha=0.35, linewidth=0.9)
        if style.hatch:
            body.set(hatch=style.hatch, facecolor="white", alpha=0.8)
    low, middle, high = np.array([np.percentile(values, [25, 50, 75]) for values in kept]).T
    axes.vlines(places, low, high, color=style.colour, linewidth=4)
    axes.plot(
        places, middle, linestyle="none", marker="o", markersize=4.5, mfc="white", mec=style.colour
    )
    return [float(value) for value in middle]


def _violin_panel(
    results: Results,
    run: Run,
    columns: Sequence[np.ndarray],
    ticks: Sequence[str],
    labels: tuple[str, str],
    what: str,
    medians: str = "{:.3f}",
    height: float = 2.6,
    finish: Callable[[Axes], object] = lambda axes: None,
) -> Panel:
    """Return a run's violins: one for each tick, ``what`` they are in words for who can't see."""
    drawn = Figure(figsize=(2.9, height), layout="constrained")
    axes = drawn.add_subplot()
    middles = violins(axes, columns, look(results, run))
    axes.set_xticks(range(1, len(ticks) + 1), ticks)
    finish(axes)
    axes.grid(axis="x", visible=False)
    axes.set_title(run.label)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    listed = ", ".join(medians.format(value) for value in middles)
    return svg_panel(drawn, f"Violins of {what}, {run.label}. Medians: {listed}.")


@styled
def radius_figure(results: Results) -> Html:
    """Return violins of the radius per tier, one panel per model (first seed)."""
    return figure(
        [
            _violin_panel(
                results,
                run,
                _radii(results, run),
                TIER_TICKS,
                ("tier", "radius $d_r$"),
                "radius per tier",
            )
            for run in results.representatives("model", "untrained")
        ],
        "Distance of captions from the root, by tier: of unit vectors the chord to the embedding "
        "of the empty string, between 0 and 2; of hyperbolic ones the geodesic to the vertex. Each "
        f"panel has its own vertical scale. {_violins_read(results)}",
    )


def _radii(results: Results, run: Run) -> list[np.ndarray]:
    frame = results.items(run, "ordering")
    return [frame[f"radius_{tier}"].to_numpy() for tier in range(1, 5)]


@styled
def angle_figure(results: Results) -> Html:
    """Return violins of the exterior angle from each tier to the next, in degrees."""

    def to_half_a_turn(axes: Axes) -> None:
        axes.axhline(90, **REFERENCE_LINE)
        axes.set_ylim(0, 180)
        axes.set_yticks(range(0, 181, 45))

    panels = []
    for run in results.representatives("model", "untrained"):
        frame = results.items(run, "ordering")
        panels.append(
            _violin_panel(
                results,
                run,
                [np.degrees(frame[f"angle_{tier}"].to_numpy()) for tier in range(1, 4)],
                ["1 → 2", "2 → 3", "3 → 4"],
                ("from tier to tier", "exterior angle $\\Xi_r$ (°)"),
                "exterior angle",
                medians="{:.0f}°",
                height=2.4,
                finish=to_half_a_turn,
            )
        )
    return figure(
        panels,
        "Exterior angle between a caption, seen from the root, and the step to the next tier. "
        "Below 90° (dashed) the next tier lies outward; smaller is straighter. "
        f"{_violins_read(results)}",
    )


@styled
def modality_figure(results: Results) -> Html:
    """Return violins of the radii of tiers and images, one panel per model (first seed)."""
    panels = [
        _violin_panel(
            results,
            run,
            [*_radii(results, run), results.items(run, MODALITY_GAP)["image_radius"].to_numpy()],
            ["1", "2", "3", "4", "image"],
            ("tier of a text, or image", "radius $d_r$"),
            "the radius of texts per tier and of images",
            finish=lambda axes: axes.axvline(4.5, color="#9aa5b1", linewidth=0.8),
        )
        for run in results.representatives("model", "untrained")
        if results.estimate(run, MODALITY_GAP, "image_radius")
    ]
    if not panels:
        return note("The place of images among texts was not measured in this run.")
    return figure(
        panels,
        "Distance from the root, of texts by tier and of the images "
        "themselves. An image says more than any caption of it; where images lie nearer to the "
        "root than texts, or apart from all of them, it is the gap between the modalities that "
        "decides, and not what they show. Each panel has its own vertical scale. "
        f"{_violins_read(results)}",
    )


def _violins_read(results: Results) -> str:
    """Say what a violin shows, of how many items and of which seed."""
    runs = results.representatives("model", "untrained")
    return (
        f"White dot: median; bar: quartiles. n = {sizes_of(results, TAU_D)} items per panel; "
        f"{first_seed(run.seed for run in runs)}; distributions, so no interval."
    )


@styled
def precision_recall_figure(results: Results) -> Html:
    """Return precision against recall, and recall per tier, with 95% intervals."""
    runs = [
        run
        for run in results.of_kind("model", "untrained", "baseline")
        if results.estimate(run, *RECALL) and results.estimate(run, *PRECISION)
    ]
    if not runs:
        return note("Hierarchical retrieval was not measured in this run.")
    sizes = sizes_of(results, RECALL)
    return figure(
        [_trade_off_panel(results, runs), _tier_panel(results, runs)],
        "Hierarchical image-to-text retrieval. First: precision against recall. Second: share of "
        "images whose gold caption of a tier was retrieved. Marks: means over images, one per "
        f"seed; bars: bootstrap 95% intervals over images; n = {sizes} images, "
        f"{count(len(runs), 'run')}. Grey open marks: untrained controls.",
    )


def legend_label(run: Run, drawn: set[str]) -> str:
    """Return the run's label once per model: a leading underscore keeps it out of the legend."""
    if run.label in drawn:
        return f"_{run.label}"
    drawn.add(run.label)
    return run.label


def _trade_off_panel(results: Results, runs: Sequence[Run]) -> Panel:
    drawn = Figure(figsize=(4.7, 4.0), layout="constrained")
    axes = drawn.add_subplot()
    seen: set[str] = set()
    described = []
    for run in runs:
        recall, precision = results.estimate(run, *RECALL), results.estimate(run, *PRECISION)
        if recall is None or precision is None:
            continue
        style = look(results, run)
        axes.errorbar(
            recall.value,
            precision.value,
            xerr=error_bar(recall),
            yerr=error_bar(precision),
            color=style.colour,
            linestyle="none",
            markersize=7,
            elinewidth=1.2,
            label=legend_label(run, seen),
            **style.marker_style(),
        )
        described.append(f"{results.name(run)} {precision.value:.3f} at {recall.value:.3f}")
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.set(
        title="Precision and recall",
        xlabel="recall (share of the 4 gold tiers)",
        ylabel="precision (share of retrieved captions)",
    )
    drawn.legend(loc="outside lower left", ncols=3)
    return svg_panel(drawn, f"Scatter plot of precision at recall: {'; '.join(described)}.")


def _tier_panel(results: Results, runs: Sequence[Run]) -> Panel:
    drawn = Figure(figsize=(4.7, 4.0), layout="constrained")
    axes = drawn.add_subplot()
    seen: set[str] = set()
    described = []
    for index, run in enumerate(runs):
        tiers = [
            results.estimate(run, "hierarchical_retrieval", f"recall_tier_{tier}")
            for tier in range(1, 5)
        ]
        estimates = [estimate for estimate in tiers if estimate is not None]
        if len(estimates) < len(tiers):
            continue
        style = look(results, run)
        values = np.array([e.value for e in estimates])
        axes.errorbar(
            np.arange(1, 5) + 0.3 * ((index + 0.5) / len(runs) - 0.5),
            values,
            yerr=error_bar(*estimates),
            color=style.colour,
            markersize=5,
            label=legend_label(run, seen),
            **line_style(run),
            **style.marker_style(),
        )
        described.append(f"{results.name(run)} {', '.join(f'{v:.3f}' for v in values)}")
    axes.set_xticks(range(1, 5), TIER_TICKS)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.set(title="Recall per tier", xlabel="gold tier", ylabel="recall (share of images)")
    drawn.legend(loc="outside lower left", ncols=3)
    return svg_panel(drawn, f"Recall for tiers 1 to 4: {'; '.join(described)}.")
