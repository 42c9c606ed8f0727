"""How far a model's order follows caption length: tau_d where length does well, and where not."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hierarcaps.metrics.intervals import mean_interval
from hierarcaps.report.dots import centred
from hierarcaps.report.markup import Html, figure, note
from hierarcaps.report.plot_style import (
    REFERENCE_LINE,
    error_bar,
    line_style,
    look,
    styled,
    svg_panel,
)
from hierarcaps.report.study import TAU_D, Estimate, Results, Run
from hierarcaps.report.wording import first_seed, number

LENGTH = Run("words", "baseline", 0)
GROUPS = 4
BOOTSTRAP_SEED = 0


def length_groups(tau: pd.Series, groups: int = GROUPS) -> pd.Series:
    """Return the group, 0 first, of each item by the tau that its length in words reaches.

    Groups are of about equal size; items of one tau stay together, so that there may be fewer.
    """
    return pd.qcut(tau, groups, labels=False, duplicates="drop")


def by_length(results: Results, run: Run) -> list[tuple[float, Estimate]]:
    """Return for each group of items the mean tau of length, and the run's own with interval."""
    length = results.items(LENGTH, "ordering").set_index("item_id")["tau"]
    own = results.items(run, "ordering").set_index("item_id")["tau"].reindex(length.index)
    groups = length_groups(length)
    points = []
    for group in sorted(groups.dropna().unique()):
        rows = groups == group
        interval = mean_interval(own[rows].to_numpy(), BOOTSTRAP_SEED)
        if interval.n:
            points.append((float(length[rows].mean()), Estimate(*interval)))
    return points


@styled
def length_figure(results: Results) -> Html:
    """Return each model's tau_d against that of caption length, over groups of items."""
    if LENGTH not in results.runs or not results.estimate(LENGTH, *TAU_D):
        return note("The length baseline was not measured in this run.")
    drawn = Figure(figsize=(4.7, 4.2), layout="constrained")
    axes = drawn.add_subplot()
    runs = results.representatives("model", "untrained")
    described, sizes = [], []
    for shift, run in zip(centred(len(runs), 0.012), runs, strict=True):
        points = by_length(results, run)
        if not points:
            continue
        style = look(results, run)
        sizes = [estimate.n for _, estimate in points]
        axes.errorbar(
            np.array([length for length, _ in points]) + shift,
            [estimate.value for _, estimate in points],
            yerr=error_bar(*(estimate for _, estimate in points)),
            color=style.colour,
            elinewidth=1.1,
            markersize=5,
            label=run.label,
            **line_style(run),
            **style.marker_style(),
        )
        values = ", ".join(f"{number(e.value)} at {number(length)}" for length, e in points)
        described.append(f"{results.name(run)} {values}")
    if not described:
        return note("The order of the tiers was not measured for any model in this run.")
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], **REFERENCE_LINE)
    axes.set_xlim(low, high)
    axes.set_ylim(top=1.04)
    axes.set_xlabel("mean $\\tau$ of length in words, over a group of items")
    axes.set_ylabel("$\\tau_d$ of the model on these items")
    axes.set_title("Order of the tiers against caption length")
    drawn.legend(loc="outside lower left", ncols=2)
    listed = ", ".join(f"{size:,}" for size in sizes)
    alt = f"tau_d of each model against that of length in words: {'; '.join(described)}."
    return figure(
        [svg_panel(drawn, alt)],
        "Test items in groups by how well their length in words orders the four tiers. On the "
        "dashed line a model does as well as length; one that merely followed length would rise "
        "along it, one that ignores length is flat. Marks: means; bars: bootstrap 95% intervals "
        f"over the items of a group, n = {listed}; {first_seed(run.seed for run in runs)}. "
        "Grey open marks: untrained controls.",
    )
