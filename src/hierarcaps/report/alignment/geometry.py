"""The framework on real embeddings: one test item around the root, before and after alignment.

The views stay true: distances and angles that are shown are real. Three points always lie in one
plane. So the triangle of the root and two texts can be drawn as it is in the embedding space, and
with it the radius of both, the angle between them as seen from the root, and the exterior angle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle

from hierarcaps.models.embeddings import Embeddings, read_embeddings
from hierarcaps.report.changes import Alignment
from hierarcaps.report.markup import Html, Panel, figure, note, table
from hierarcaps.report.plot_style import FAINT, GREY, INK, PALETTE, styled, svg_panel
from hierarcaps.report.study import OBJECTIVES, Results, Run
from hierarcaps.report.tables import gold_chain, picture
from hierarcaps.report.wording import count, first_run
from hierarcaps.runtime.errors import InputError

# Best known contrast first: a text that contradicts, else the continuation of another item.
CONTRASTS = {"contradicting": "contradicts it", "other": "continues another item, not this one"}
BACKGROUND = 250
CHILD, CONTRAST = PALETTE[0], PALETTE[1]
WIDTH = 3.15  # inches: three panels side by side


def polar(
    texts: np.ndarray, root: np.ndarray, outward: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the radius of N texts and their angle at the root to a direction.

    Args:
        texts: ``(N, D)`` embeddings e.
        root: ``(D,)`` the root r.
        outward: ``(D,)`` a direction seen from the root, any length above 0.

    Returns:
        ``(N,)`` radii ``||e - r||`` and ``(N,)`` angles in [0, pi]; 0 for a text at the root.
    """
    steps = texts.astype(np.float64) - root
    radii = np.linalg.norm(steps, axis=1)
    axis = outward / np.linalg.norm(outward)
    along = steps @ axis
    across = np.linalg.norm(steps - np.outer(along, axis), axis=1)
    return radii, np.arctan2(across, along)


def plane(texts: np.ndarray, root: np.ndarray, outward: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return points ``(N, 2)``: the root at 0, true radius, true angle to ``outward`` (the x axis).

    Which side of the axis a point lies on is that of ``side``, ``(D,)``: the half-space of a
    direction in which ``side`` is positive. It is layout, the only part of the picture that is.
    """
    radii, angles = polar(texts, root, outward)
    axis = outward / np.linalg.norm(outward)
    across = side - (side @ axis) * axis
    steps = texts.astype(np.float64) - root
    sign = np.where(steps @ across < 0, -1.0, 1.0)
    return np.stack([radii * np.cos(angles), sign * radii * np.sin(angles)], axis=1)


@dataclass(frozen=True)
class Triplet:
    """A text, its continuation and a contrast, of one tier of one item."""

    item_id: str
    tier: int
    parent: str
    child: str
    contrast: str
    kind: str


@dataclass(frozen=True)
class View:
    """What one run makes of a triplet and of its item: points in the plane, the root at 0.

    Attributes:
        run: the model, objective and seed.
        triangle: (3, 2): parent on the x axis, child above it, contrast below it.
        angles: exterior angles of child and contrast, degrees.
        tiers: (4, 2), the item's tiers; the most specific lies on the x axis.
        contrasts: (K, 2), the contrasts of its tiers.
        others: (M, 2), other texts of the test set.
    """

    run: Run
    triangle: np.ndarray
    angles: tuple[float, float]
    tiers: np.ndarray
    contrasts: np.ndarray
    others: np.ndarray


def exterior_angle(parent: np.ndarray, child: np.ndarray) -> float:
    """Return the angle between ``parent`` and ``child - parent``, plane points, in degrees."""
    step = child - parent
    cross = parent[0] * step[1] - parent[1] * step[0]
    return float(np.degrees(np.arctan2(abs(cross), parent @ step)))


def chosen_runs(study: Alignment) -> list[Run]:
    """Return the runs to compare: zero-shot and each objective of the first model that has both.

    Of several trainings or orders the first listed one is taken.
    """
    for model in study.models:
        if study.runs(model, "zeroshot"):
            runs = [study.runs(model, objective)[:1] for objective in OBJECTIVES]
            return [run for first in runs for run in first]
    return []


def triplets(results: Results, run: Run) -> pd.DataFrame:
    """Return the triplets of a run: item_id, tier, parent, child, contrast, kind and ``margin``.

    ``margin`` is the exterior angle of the contrast minus that of the child, radians. Of each item
    and tier the first kind of ``CONTRASTS`` that the evaluation had is taken.
    """
    table = results.items(run, "entailment")
    keys = ["item_id", "tier"]
    entailed = table[table["kind"] == "entailed"]
    found = table.iloc[:0]
    for kind in CONTRASTS:
        rows = table[table["kind"] == kind]
        if len(rows):
            found = rows
            break
    joined = entailed.merge(found, on=keys, suffixes=("", "_contrast"), validate="one_to_one")
    return pd.DataFrame(
        {
            **{name: joined[name] for name in (*keys, "parent", "child")},
            "contrast": joined["child_contrast"],
            "kind": joined["kind_contrast"],
            "margin": joined["angle_contrast"] - joined["angle"],
        }
    )


def choose_triplet(results: Results, before: Run, after: Run) -> tuple[Triplet, int] | None:
    """Return the triplet whose margin changes by the median amount, and of how many.

    Only items kept with their pictures take part; ties go to the first item and tier. None where
    the evaluation had no contrasts.
    """
    first, second = triplets(results, before), triplets(results, after)
    if first.empty:
        return None
    shown = set(results.examples["item_id"])
    joined = first.merge(second[["item_id", "tier", "margin"]], on=["item_id", "tier"])
    joined = joined[joined["item_id"].isin(shown)]
    if joined.empty:
        return None
    joined["change"] = joined["margin_y"] - joined["margin_x"]
    ordered = joined.sort_values(["change", "item_id", "tier"], ignore_index=True)
    row = ordered.iloc[(len(ordered) - 1) // 2]
    triplet = Triplet(
        row["item_id"], int(row["tier"]), row["parent"], row["child"], row["contrast"], row["kind"]
    )
    return triplet, len(ordered)


def view(results: Results, run: Run, triplet: Triplet) -> View:
    """Place a triplet and its item in the plane, by the embeddings of one run."""
    path = run.folder(results.root) / "embeddings.safetensors"
    embeddings = read_embeddings(path)
    if embeddings.geometry.name != "sphere":
        raise InputError(f"{path}: a plane view shows unit vectors, not {embeddings.geometry.name}")
    parent, child, contrast = _vectors(
        embeddings, [triplet.parent, triplet.child, triplet.contrast]
    )
    root = embeddings.root.astype(np.float64)
    outward = parent - root
    drawn = [
        plane(point[None], root, outward, point - root)[0] for point in (parent, child, contrast)
    ]
    triangle = np.array(drawn) * [[1, 1], [1, 1], [1, -1]]
    item = results.items(run, "entailment")
    item = item[item["item_id"] == triplet.item_id]
    chain = _chain(item)
    contrasts = list(item.loc[item["kind"] == triplet.kind, "child"])
    tiers = _vectors(embeddings, chain)
    axis, side = tiers[-1] - root, tiers[0] - root
    others = embeddings.texts[:: max(1, len(embeddings.texts) // BACKGROUND)]
    return View(
        run,
        triangle,
        (exterior_angle(triangle[0], triangle[1]), exterior_angle(triangle[0], triangle[2])),
        plane(tiers, root, axis, side),
        plane(_vectors(embeddings, contrasts), root, axis, side),
        plane(others, root, axis, side),
    )


def _chain(item: pd.DataFrame) -> list[str]:
    rows = item[item["kind"] == "entailed"].sort_values("tier")
    return [*rows["parent"], rows["child"].iloc[-1]]


def _vectors(embeddings: Embeddings, texts: list[str]) -> np.ndarray:
    return embeddings.texts[embeddings.text_rows(texts)].astype(np.float64)


@styled
def geometry_figure(study: Alignment) -> Html:
    """Return one item's texts around the root, and the exterior angles of one of its triplets."""
    runs = chosen_runs(study)
    if len(runs) < 2:
        return note("No model was evaluated both before and after alignment.")
    chosen = choose_triplet(study.results, runs[0], runs[1])
    if chosen is None:
        return note("The evaluation had no contrasting texts to compare a continuation with.")
    triplet, size = chosen
    views = [view(study.results, run, triplet) for run in runs]
    model = runs[0].model
    rule = (
        f"Chosen by rule, not by eye: of the {count(size, 'triplet')} of the "
        f"{count(len(study.results.examples), 'item')} kept with their pictures, the one whose "
        "margin (exterior angle of the contrast minus that of the continuation) changes by the "
        f"median amount from zero-shot to {OBJECTIVES[runs[1].objective]} for {model}."
    )
    beyond = [each.triangle[:1] * 1.5 for each in views]  # where the angles are written
    frame = _frame([*(each.triangle for each in views), *beyond])
    wide = _frame(
        [points for each in views for points in (each.tiers, each.contrasts, each.others)]
    )
    triangles = figure(
        [_triangle_panel(each, frame) for each in views],
        "The construction of the paper's Figure 2 on real embeddings. Root at the centre. Each "
        "triangle of root, e and one other text is drawn as it is in the embedding space: radii, "
        "angles at the root and exterior angles are exact. The continuation e′ is drawn above the "
        "axis through e, the contrast e″ below. All panels have one scale. "
        f"n = 1 item; {first_run()}; a single item, so no interval.",
    )
    around = figure(
        [_around_panel(each, wide) for each in views],
        "The whole item around the root. The distance of each text from the root, and its angle "
        "at the root from the most specific tier (on the horizontal axis), are true; the side of "
        "the axis is that of tier 1. Numbers: tiers, 1 is general; squares: the contrast to the "
        "continuation of each tier; grey: other texts of the evaluation. Circles: the radii of "
        f"tiers 1 and 4. n = 1 item; {first_run()}; a single item, so no interval.",
    )
    return note(rule) + _texts(study, triplet, views) + triangles + around


def _texts(study: Alignment, triplet: Triplet, views: Sequence[View]) -> Html:
    examples = study.results.examples.set_index("item_id")
    row = examples.loc[triplet.item_id]
    card = Html(
        '<div class="hc-cards"><article class="hc-card">\n'
        f"<header>{picture(row['image'], row['gold'])}<p><code>"
        f"{escape(triplet.item_id)}</code></p></header>\n{gold_chain(row['gold'])}\n"
        "</article></div>"
    )
    rows = [
        [
            OBJECTIVES[each.run.objective],
            *(f"{angle:.1f}°" for angle in each.angles),
            f"{each.angles[1] - each.angles[0]:.1f}°".replace("-", "−"),
            *(f"{radius:.3f}" for radius in np.linalg.norm(each.triangle, axis=1)),
        ]
        for each in views
    ]
    names = (
        f"e = “{triplet.parent}” (tier {triplet.tier}), e′ = “{triplet.child}” continues it, "
        f"e″ = “{triplet.contrast}” {CONTRASTS[triplet.kind]}."
    )
    headings = ["Objective", "Ξ(e, e′)", "Ξ(e, e″)", "Margin", "d(e)", "d(e′)", "d(e″)"]
    return card + table("Exterior angles and radii of the triplet.", names, headings, rows)


def _triangle_panel(each: View, frame: np.ndarray) -> Panel:
    drawn = Figure(figsize=(WIDTH, _height(frame)), layout="constrained")
    axes = _root_axes(drawn, each, frame)
    parent, child, contrast = each.triangle
    axes.plot([0, 1.45 * parent[0]], [0, 0], color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    for point, name, colour, marker, angle in (
        (child, "e′", CHILD, "o", each.angles[0]),
        (contrast, "e″", CONTRAST, "s", each.angles[1]),
    ):
        axes.plot(*zip((0, 0), point, strict=True), color=FAINT, linewidth=1.2)
        axes.annotate(
            "", point, parent, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.6}
        )
        axes.plot(*point, marker=marker, color=colour, markersize=6)
        above = 1 if point[1] >= 0 else -1
        _label(axes, name, point, (0, 9 * above), colour)
        start, end = sorted((0.0, float(np.degrees(np.arctan2(*(point - parent)[::-1])))))
        size = 0.5 * parent[0]
        axes.add_patch(
            Arc(tuple(parent), size, size, theta1=start, theta2=end, color=colour, linewidth=1.4)
        )
        place = parent + 0.36 * size * np.array([1.0, above])
        _label(axes, f"{angle:.0f}°", place, (14, 4 * above), colour)
    axes.plot([0, parent[0]], [0, 0], color=INK, linewidth=1.4)
    axes.plot(*parent, marker="o", color=INK, markersize=6)
    _label(axes, "e", parent, (-3, -11), INK)
    radii = np.linalg.norm(each.triangle, axis=1)
    return svg_panel(
        drawn,
        f"Root, e, e′ and e″ in the plane, {OBJECTIVES[each.run.objective]}. Exterior angle of "
        f"the continuation {each.angles[0]:.1f}°, of the contrast {each.angles[1]:.1f}°; radii "
        f"{', '.join(f'{radius:.3f}' for radius in radii)}.",
    )


def _around_panel(each: View, frame: np.ndarray) -> Panel:
    drawn = Figure(figsize=(WIDTH, _height(frame)), layout="constrained")
    axes = _root_axes(drawn, each, frame)
    radii = np.linalg.norm(each.tiers, axis=1)
    for radius in (radii[0], radii[-1]):
        axes.add_patch(Circle((0, 0), radius, fill=False, color=GREY, linewidth=0.7))
    axes.plot(*each.others.T, linestyle="none", marker=".", color="#b8c0ca", markersize=3)
    axes.plot(
        *each.contrasts.T, linestyle="none", marker="s", color=CONTRAST, mfc="white", markersize=6
    )
    axes.plot(*each.tiers.T, color=CHILD, linewidth=1.2)
    axes.plot(*each.tiers.T, linestyle="none", marker="o", color=CHILD, markersize=11)
    for tier, point in enumerate(each.tiers, start=1):
        _label(axes, str(tier), point, (0, 0), "white")
    angles = np.degrees(np.arctan2(each.tiers[:, 1], each.tiers[:, 0]))
    described = ", ".join(
        f"tier {tier} at {radius:.3f} and {abs(angle):.0f}°"
        for tier, (radius, angle) in enumerate(zip(radii, angles, strict=True), start=1)
    )
    return svg_panel(
        drawn,
        f"The item's texts around the root, {OBJECTIVES[each.run.objective]}, radius and angle: "
        f"{described}; {len(each.contrasts)} contrasts and {len(each.others)} other texts.",
    )


def _root_axes(drawn: Figure, each: View, frame: np.ndarray) -> Axes:
    axes = drawn.add_subplot()
    axes.set_aspect("equal")
    axes.set(xlim=frame[0], ylim=frame[1], xlabel="distance (chord length)")
    axes.set_title(OBJECTIVES[each.run.objective])
    axes.grid(visible=False)
    axes.locator_params(nbins=5)
    axes.plot(0, 0, marker="P", color=INK, markersize=8)
    _label(axes, "root", np.zeros(2), (0, -12), INK)
    return axes


def _label(
    axes: Axes, text: str, point: np.ndarray, offset: tuple[float, float], colour: str
) -> None:
    label = axes.annotate(
        text,
        tuple(point),
        offset,
        textcoords="offset points",
        color=colour,
        ha="center",
        va="center",
        fontsize=8.5,
        fontweight="bold",
    )
    # Labels must not change the size of a panel: those side by side are compared.
    label.set_in_layout(False)


def _frame(points: Sequence[np.ndarray]) -> np.ndarray:
    """Return the limits (2, 2) of x and y that hold all points and the root, with some room."""
    every = np.concatenate([*points, np.zeros((1, 2))])
    low, high = every.min(axis=0), every.max(axis=0)
    room = 0.12 * (high - low).max()
    return np.stack([low - room, high + room], axis=1)


def _height(frame: np.ndarray) -> float:
    """Return the height of a panel, inches, that fits the frame at equal scales."""
    (left, right), (bottom, top) = frame
    return 0.75 + (WIDTH - 0.6) * (top - bottom) / (right - left)
