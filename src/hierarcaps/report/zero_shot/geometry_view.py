"""Plane views of the radial geometry that stay true: distances and angles that are shown are real.

Three points always lie in one plane. So the triangle of the root and two texts can be drawn as it
is in the embedding space, and with it the radius of both, the angle between them as seen from the
root, and the exterior angle.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierarcaps.models.embeddings import Embeddings, read_embeddings
from hierarcaps.report.alignment.study import OBJECTIVES, Alignment
from hierarcaps.report.study import Results, Run
from hierarcaps.runtime.errors import InputError

# Best known contrast first: a text that contradicts, else the continuation of another item.
CONTRASTS = {"contradicting": "contradicts it", "other": "continues another item, not this one"}
BACKGROUND = 250


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

    Of several seeds the first listed one is taken.
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
