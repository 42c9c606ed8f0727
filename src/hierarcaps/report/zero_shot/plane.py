"""A plane view of a whole test set around the root: distances that are drawn are true."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from hierarcaps.models.embeddings import Embeddings, read_embeddings
from hierarcaps.report.markup import Html, Panel, figure, note
from hierarcaps.report.plot_style import INK, MARKERS, TIER_SHADES, styled, svg_panel
from hierarcaps.report.study import Results, Run
from hierarcaps.report.wording import count, first_seed

TIERS = 4
ON_SPHERE = 1e-3


def on_sphere(embeddings: Embeddings) -> bool:
    """Return whether all texts are unit vectors, as chords and plane angles assume."""
    texts = embeddings.texts
    squares = np.einsum("nd,nd->n", texts, texts, dtype=np.float64)  # a part at a time
    return bool(np.abs(np.sqrt(squares) - 1).max(initial=0) < ON_SPHERE)


def radial_points(
    embeddings: Embeddings, gold: list[list[str]], images: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return tiers ``(N, 4, 2)`` and images ``(M, 2)`` in the plane, the root at 0.

    The distance from the root is true. The angle is a layout that keeps like things together: it is
    the angle in the plane of the two directions in which the most specific texts vary most, beside
    their mean direction from the root.
    """
    rows = embeddings.text_rows([text for tiers in gold for text in tiers])
    root = embeddings.root.astype(np.float64)
    steps = embeddings.texts[rows].astype(np.float64) - root
    pictures = embeddings.images[embeddings.image_rows(images)].astype(np.float64) - root
    specific = steps[TIERS - 1 :: TIERS]
    outward = specific.mean(axis=0)
    outward /= np.linalg.norm(outward)
    beside = specific - np.outer(specific @ outward, outward)
    directions = np.linalg.svd(beside, full_matrices=False)[2][:2]
    # A singular vector's sign is arbitrary; fixed, so that equal data are drawn alike.
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions = directions * np.sign(largest)
    return (
        _placed(steps, directions).reshape(-1, TIERS, 2),
        _placed(pictures, directions),
    )


def _placed(steps: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return points ``(N, 2)``: the length of a step, the angle of its projection."""
    angles = np.arctan2(*(steps @ directions.T).T[::-1])
    radii = np.linalg.norm(steps, axis=1)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


@styled
def radial_figure(results: Results) -> Html:
    """Return the items kept with their pictures around the root: one panel per model."""
    gold = [list(tiers) for tiers in results.examples["gold"]]
    item_ids = list(results.examples["item_id"])
    found: list[tuple[Run, np.ndarray, np.ndarray]] = []
    left_out = []
    for run in results.representatives("model", "untrained"):
        path = run.folder(results.root) / "embeddings.safetensors"
        if not path.is_file():
            continue
        embeddings = read_embeddings(path)
        if not on_sphere(embeddings):
            left_out.append(run.label)
            continue
        if not embeddings.names:  # of texts alone
            left_out.append(run.label)
            continue
        table = results.items(run, "hierarchical_retrieval").set_index("item_id")
        found.append((run, *radial_points(embeddings, gold, list(table.loc[item_ids, "image"]))))
    if not found:
        return note("No model of this run has embeddings on the unit sphere to draw.")
    reason = "not on the unit sphere or without images"
    beyond = f" Not drawn, because {reason}: {', '.join(left_out)}." if left_out else ""
    points = [part.reshape(-1, 2) for _, *parts in found for part in parts]
    reach = 1.06 * float(np.linalg.norm(np.concatenate(points), axis=1).max())
    return figure(
        [_panel(*each, reach) for each in found],
        "Texts around the root (black cross, at the centre). The distance of each from the root "
        "is true. The angle is a layout that keeps like things together, by the two directions in "
        "which the most specific texts vary most; distances between texts are not true. Darker: "
        "more specific tier; lines: from tier to tier of an item; circles: mean radius of each "
        "tier; grey crosses: the images. All panels have one scale. The same seeded sample of "
        f"n = {count(len(gold), 'item')} in each panel; "
        f"{first_seed(run.seed for run, _, _ in found)}; points, so no interval.{beyond}",
    )


def _panel(run: Run, tiers: np.ndarray, images: np.ndarray, reach: float) -> Panel:
    drawn = Figure(figsize=(3.15, 3.7), layout="constrained")
    axes = drawn.add_subplot()
    axes.set_aspect("equal")
    axes.grid(visible=False)
    lines = LineCollection(list(tiers), colors=TIER_SHADES[1], linewidths=0.5, alpha=0.35, zorder=1)
    axes.add_collection(lines)
    axes.plot(*images.T, linestyle="none", marker="x", color="#8a94a0", markersize=3, zorder=1)
    radii = np.linalg.norm(tiers, axis=2)
    for tier in range(TIERS):
        circle = Circle((0, 0), radii[:, tier].mean(), fill=False, linewidth=0.8)
        circle.set(edgecolor=TIER_SHADES[tier], zorder=1)
        axes.add_patch(circle)
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
    axes.plot(0, 0, marker="P", color=INK, markersize=8, markeredgecolor="white", zorder=9)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes.set_title(run.label)
    axes.set_xlabel("distance from the root (chord length)")
    for axis in ("x", "y"):
        axes.locator_params(axis=axis, nbins=5)
    drawn.legend(loc="outside lower left", ncols=4, handletextpad=0.1, columnspacing=0.8)
    listed = ", ".join(f"{radius:.3f}" for radius in radii.mean(axis=0))
    away = np.linalg.norm(images, axis=1).mean()
    return svg_panel(
        drawn,
        f"Texts of four tiers around the root, {run.label}. Mean radius per tier: {listed}; "
        f"of images: {away:.3f}.",
    )
