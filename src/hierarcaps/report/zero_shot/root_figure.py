"""What the root is worth: order and retrieval seen from the empty string, the mean, the origin."""

import numpy as np
from matplotlib.figure import Figure

from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import GREY, INK, PALETTE, error_bar, styled, svg_panel
from hierarcaps.report.study import Results, count, number

TASK = "root_ablation"
ROOTS = {
    "empty": ("empty string", PALETTE[0], "o"),
    "mean": ("mean text", PALETTE[1], "s"),
    "origin": ("origin", INK, "x"),
}
METRICS = {"tau_d": "$\\tau_d$", "precision": "Precision", "recall": "Recall"}


@styled
def root_figure(results: Results) -> Html:
    """Return tau_d, precision and recall from each root: a panel per metric, a row per model."""
    panels = [panel for metric in METRICS if (panel := _panel(results, metric))]
    if not panels:
        return note("Other roots were not tried in this run.")
    runs = results.measured(TASK, "tau_d_empty", "model", "untrained")
    sizes = sorted({estimate.n for _, estimate in runs})
    seeds = sorted({run.seed for run, _ in runs})
    return figure(
        panels,
        "The same embeddings, seen from another root. Circles: the empty string, the root of "
        "everything else in this report; squares: the normalised mean of all texts; crosses: the "
        "origin, from which all texts are equally far, so that there is no order and only the most "
        "similar text is retrieved. Marks: means over items, one per seed; bars: bootstrap 95% "
        f"intervals over items; n = {', '.join(f'{n:,}' for n in sizes)} items, "
        f"{count(len(runs), 'run')}, seeds: {', '.join(map(str, seeds))}.",
    )


def _panel(results: Results, metric: str) -> Panel | None:
    runs = [
        run
        for run in results.of_kind("model", "untrained")
        if results.estimate(run, TASK, f"{metric}_empty")
    ]
    if not runs:
        return None
    labels = list(dict.fromkeys(run.label for run in runs))
    drawn = Figure(figsize=(3.15, 1.1 + 0.42 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    described = []
    for row, label in enumerate(labels):
        seeds = [run for run in runs if run.label == label]
        for band, (root, (name, colour, marker)) in enumerate(ROOTS.items()):
            offsets = (np.arange(len(seeds)) - (len(seeds) - 1) / 2) * 0.07
            for run, offset in zip(seeds, offsets, strict=True):
                estimate = results.estimate(run, TASK, f"{metric}_{root}")
                if estimate is None:
                    continue
                axes.errorbar(
                    estimate.value,
                    row + 0.26 * (band - 1) + offset,
                    xerr=error_bar(estimate),
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    elinewidth=1.1,
                )
                described.append(f"{results.name(run)}, {name}: {number(estimate.value)}")
    for place in range(1, len(labels)):
        axes.axhline(place - 0.5, color=GREY, linewidth=0.4)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set_title(METRICS[metric])
    axes.set_xlabel("mean over items (no unit)")
    for name, colour, marker in ROOTS.values():
        axes.plot([], [], color=colour, marker=marker, linestyle="none", markersize=4.5, label=name)
    drawn.legend(loc="outside lower left", ncols=3, handletextpad=0, columnspacing=0.6)
    plain = METRICS[metric].replace("$\\tau_d$", "τ_d")
    return svg_panel(drawn, f"{plain} by root, with 95% intervals: {'; '.join(described)}.")
