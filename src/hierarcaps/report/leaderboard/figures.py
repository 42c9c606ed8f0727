"""The possible ranks of every model, a panel per metric."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from hierarcaps.report.dots import name_rows
from hierarcaps.report.leaderboard.board import Model, in_order, ranked
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import PALETTE, styled, svg_panel, tex
from hierarcaps.report.study import METRICS, Key, heading
from hierarcaps.report.wording import span

# Geometry -> name, colour, marker: told apart by form as well as by colour.
LOOKS = {False: ("sphere", PALETTE[0], "o"), True: ("hyperboloid", PALETTE[1], "D")}


@styled
def rank_figure(models: Sequence[Model]) -> Html:
    """Return a panel per metric with a bar per model, from its first possible rank to its last."""
    order = in_order(models)
    panels = [_panel(order, key) for key in METRICS if ranked(order, key)]
    if not panels:
        return note("No model was ranked in this run.")
    sizes = {score.n for model in order for score in model.scores.values()}
    return figure(
        panels,
        "Possible ranks of each model; the best is 1, on the left. A bar reaches from the first to "
        "the last rank that the paired differences allow, so that models whose bars overlap can be "
        "tied; a mark is the rank of the value itself. Circles: embeddings on a sphere; diamonds: "
        "on a hyperboloid. Models from the top by the mean of their possible ranks over all "
        f"panels. Two models differ where the bootstrap 95% interval of their difference, on the "
        f"same items, excludes 0; n = {span(sizes)} items. Seeds of a model, and orders of the "
        "training items of an aligned one, are averaged item by item.",
    )


def _panel(order: Sequence[Model], key: Key) -> Panel:
    shown = [model for model in order if key in model.scores]
    places = {id(model): place for place, model in enumerate(ranked(order, key), start=1)}
    drawn = Figure(figsize=(3.15, 1.1 + 0.24 * len(shown)), layout="constrained")
    axes = drawn.add_subplot()
    for row, model in enumerate(shown):
        score, (_, colour, marker) = model.scores[key], LOOKS[model.hyperbolic]
        axes.plot(
            [score.first, score.last], [row, row], color=colour, linewidth=4, alpha=0.35,
            solid_capstyle="round",
        )  # fmt: skip
        axes.plot(places[id(model)], row, color=colour, marker=marker, markersize=4.5)
    name_rows(axes, [model.label for model in shown])
    axes.set_xlim(0.5, len(shown) + 0.5)
    axes.set_xticks(
        range(1, len(shown) + 1) if len(shown) < 7 else [1, *range(5, len(shown) + 1, 5)]
    )
    axes.set_title(tex(heading(key)))
    axes.set_xlabel("rank")
    for hyperbolic in sorted({model.hyperbolic for model in shown}):
        name, colour, marker = LOOKS[hyperbolic]
        axes.plot([], [], color=colour, marker=marker, linestyle="none", markersize=4.5, label=name)
    drawn.legend(loc="outside lower left", ncols=2, handletextpad=0.1, columnspacing=0.8)
    described = "; ".join(f"{model.label}: {model.scores[key].rank}" for model in shown)
    return svg_panel(drawn, f"Possible ranks by {METRICS[key]}: {described}.")
