"""A plane view of a whole test set around the root: distances that are drawn are true."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from hierarcaps.embeddings import Embeddings, read_embeddings
from hierarcaps.report.geometry_view import plane
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import GREY, INK, MARKERS, TIER_SHADES, styled, svg_panel
from hierarcaps.report.study import Results, Run, count

TIERS = 4
ON_SPHERE = 1e-3


def on_sphere(embeddings: Embeddings) -> bool:
    """Return whether all texts are unit vectors, as chords and plane angles assume."""
    norms = np.linalg.norm(embeddings.texts.astype(np.float64), axis=1)
    return bool(np.abs(norms - 1).max(initial=0) < ON_SPHERE)


def radial_points(
    embeddings: Embeddings, gold: list[list[str]], images: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return tiers ``(N, 4, 2)`` and images ``(M, 2)`` in the plane, the root at 0.

    The axis points from the root to the mean of the most specific texts. The side of the axis is
    that of the direction in which the texts vary most beside it: layout, like in ``plane``.
    """
    rows = embeddings.text_rows([text for tiers in gold for text in tiers])
    texts = embeddings.texts[rows].astype(np.float64)
    root = embeddings.root.astype(np.float64)
    axis = texts[TIERS - 1 :: TIERS].mean(axis=0) - root
    unit = axis / np.linalg.norm(axis)
    steps = texts - root
    across = steps - np.outer(steps @ unit, unit)
    side = np.linalg.svd(across - across.mean(axis=0), full_matrices=False)[2][0]
    # A singular vector's sign is arbitrary; fixed, so that equal data are drawn alike.
    side *= np.sign(side[np.abs(side).argmax()])
    pictures = embeddings.images[embeddings.image_rows(images)]
    return (
        plane(texts, root, axis, side).reshape(-1, TIERS, 2),
        plane(pictures, root, axis, side),
    )


@styled
def radial_figure(results: Results) -> Html:
    """Return the items kept with their pictures around the root: one panel per model."""
    gold = [list(tiers) for tiers in results.examples["gold"]]
    item_ids = list(results.examples["item_id"])
    panels, left_out, seeds = [], [], set()
    for run in results.representatives("model", "untrained"):
        path = run.folder(results.root) / "embeddings.safetensors"
        if not path.is_file():
            continue
        embeddings = read_embeddings(path)
        if not on_sphere(embeddings):
            left_out.append(run.label)
            continue
        table = results.items(run, "hierarchical_retrieval").set_index("item_id")
        tiers, images = radial_points(embeddings, gold, list(table.loc[item_ids, "image"]))
        panels.append(_panel(run, tiers, images))
        seeds.add(run.seed)
    if not panels:
        return note("No model of this run has embeddings on the unit sphere to draw.")
    beyond = (
        f" Not drawn, because not on the unit sphere: {', '.join(left_out)}." if left_out else ""
    )
    return figure(
        panels,
        "Texts around the root (black cross, at the centre). The distance of each from the root "
        "is true, and so is its angle at the root to the horizontal axis, which points to the "
        "mean of the most specific texts; the side of the axis is that of the direction in which "
        "texts vary most beside it. Darker: more specific tier; circles: mean radius of tiers 1 "
        "and 4; grey crosses: the images. Each panel has its own scale. The same seeded sample of "
        f"n = {count(len(gold), 'item')} in each panel; of several seeds the first listed is shown "
        f"(seed {', '.join(map(str, sorted(seeds)))}); points, so no interval.{beyond}",
    )


def _panel(run: Run, tiers: np.ndarray, images: np.ndarray) -> Panel:
    drawn = Figure(figsize=(3.15, 3.5), layout="constrained")
    axes = drawn.add_subplot()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.plot(*images.T, linestyle="none", marker="x", color="#9aa5b1", markersize=3, zorder=1)
    radii = np.linalg.norm(tiers, axis=2)
    for tier in range(TIERS):
        axes.plot(
            *tiers[:, tier].T,
            linestyle="none",
            marker=MARKERS[tier],
            color=TIER_SHADES[tier],
            markersize=3.6,
            markeredgecolor="white",
            markeredgewidth=0.3,
            label=f"tier {tier + 1}",
            zorder=2 + tier,
        )
    for tier in (0, TIERS - 1):
        circle = Circle((0, 0), radii[:, tier].mean(), fill=False, linewidth=0.8)
        circle.set(edgecolor=TIER_SHADES[tier], zorder=1)
        axes.add_patch(circle)
    axes.plot(0, 0, marker="P", color=INK, markersize=8, zorder=9)
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    _limits(axes, tiers, images)
    axes.set_title(run.label)
    axes.set_xlabel("distance (chord length)")
    axes.locator_params(nbins=5)
    drawn.legend(loc="outside lower left", ncols=4, handletextpad=0.1, columnspacing=0.8)
    listed = ", ".join(f"{radius:.3f}" for radius in radii.mean(axis=0))
    away = np.linalg.norm(images, axis=1).mean()
    return svg_panel(
        drawn,
        f"Texts of four tiers around the root, {run.label}. Mean radius per tier: {listed}; "
        f"of images: {away:.3f}.",
    )


def _limits(axes: Axes, tiers: np.ndarray, images: np.ndarray) -> None:
    points = np.concatenate([tiers.reshape(-1, 2), images, np.zeros((1, 2))])
    room = 0.06 * np.ptp(points, axis=0).max()
    low, high = points.min(axis=0) - room, points.max(axis=0) + room
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
