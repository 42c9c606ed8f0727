"""Images among texts: how far from the root they lie."""

from matplotlib.figure import Figure

from hierarcaps.report.markup import Html, figure, note
from hierarcaps.report.plot_style import look, styled, svg_panel
from hierarcaps.report.study import Results
from hierarcaps.report.zero_shot.figures import per_panel, violins

TASK = "modality_gap"


@styled
def modality_figure(results: Results) -> Html:
    """Return violins of the radii of tiers and images, one panel per model (first seed)."""
    panels = []
    for run in results.representatives("model", "untrained"):
        if not results.estimate(run, TASK, "image_radius"):
            continue
        tiers, gap = results.items(run, "ordering"), results.items(run, TASK)
        drawn = Figure(figsize=(2.9, 2.6), layout="constrained")
        axes = drawn.add_subplot()
        columns = [tiers[f"radius_{tier}"].to_numpy() for tier in range(1, 5)]
        medians = violins(axes, [*columns, gap["image_radius"].to_numpy()], look(results, run))
        axes.set_xticks(range(1, 6), ["1", "2", "3", "4", "image"])
        axes.axvline(4.5, color="#9aa5b1", linewidth=0.8)
        axes.grid(axis="x", visible=False)
        axes.set_title(run.label)
        axes.set_xlabel("tier of a text, or image")
        axes.set_ylabel("radius $d_r$")
        listed = ", ".join(f"{value:.3f}" for value in medians)
        alt = f"Violins of the radius of texts per tier and of images, {run.label}."
        panels.append(svg_panel(drawn, f"{alt} Medians: {listed}."))
    if not panels:
        return note("The place of images among texts was not measured in this run.")
    return figure(
        panels,
        "Distance from the root, of texts by tier and of the images "
        "themselves. An image says more than any caption of it; where images lie nearer to the "
        "root than texts, or apart from all of them, it is the gap between the modalities that "
        "decides, and not what they show. Each panel has its own vertical scale. White dot: "
        f"median; bar: quartiles. {per_panel(results)}",
    )
