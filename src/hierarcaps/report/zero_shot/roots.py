"""What the root is worth: order and retrieval seen from the empty string, the mean, the origin."""

from matplotlib.figure import Figure

from hierarcaps.report.dots import Band, Bands
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import GREY, INK, PALETTE, styled, svg_panel, tex
from hierarcaps.report.study import Estimate, Results, Run
from hierarcaps.report.wording import count, number, seeds, span

TASK = "root_ablation"
ROOTS = Bands(
    {
        "empty": Band("empty string", PALETTE[0], "o"),
        "mean": Band("mean text", PALETTE[1], "s"),
        "origin": Band("origin", INK, "x"),
    },
    apart=0.26,
    seeds_apart=0.07,
    size=4.5,
)
METRICS = {"tau_d": "τ_d", "precision": "Precision", "recall": "Recall"}


@styled
def root_figure(results: Results) -> Html:
    """Return tau_d, precision and recall from each root: a panel per metric, a row per model."""
    panels = [panel for metric in METRICS if (panel := _panel(results, metric))]
    if not panels:
        return note("Other roots were not tried in this run.")
    runs = results.measured(TASK, "tau_d_empty", "model", "untrained")
    return figure(
        panels,
        "The same embeddings, seen from another root. Circles: the empty string, the root of "
        "everything else in this report; squares: the normalised mean of all texts; crosses: the "
        "origin, from which all texts are equally far, so that there is no order and only the most "
        "similar text is retrieved. Marks: means over items, one per seed; bars: bootstrap 95% "
        f"intervals over items; n = {span(estimate.n for _, estimate in runs)} items, "
        f"{count(len(runs), 'run')}, {seeds(run.seed for run, _ in runs)}.",
    )


def _panel(results: Results, metric: str) -> Panel | None:
    found = {
        root: results.measured(TASK, f"{metric}_{root}", "model", "untrained")
        for root in ROOTS.looks
    }
    labels = list(dict.fromkeys(run.label for run, _ in found["empty"]))
    if not labels:
        return None

    def of_label(label: str, root: str) -> list[tuple[Run, Estimate]]:
        return [pair for pair in found[root] if pair[0].label == label]

    drawn = Figure(figsize=(3.15, 1.1 + 0.42 * len(labels)), layout="constrained")
    axes = drawn.add_subplot()
    ROOTS.draw(axes, labels, of_label)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_title(tex(METRICS[metric]))
    axes.set_xlabel("mean over items (no unit)")
    ROOTS.legend(drawn, axes)
    described = "; ".join(
        f"{results.name(run)}, {band.name}: {number(estimate.value)}"
        for label in labels
        for root, band in ROOTS.looks.items()
        for run, estimate in of_label(label, root)
    )
    return svg_panel(drawn, f"{METRICS[metric]} by root, with 95% intervals: {described}.")
