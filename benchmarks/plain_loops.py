"""Hierarchical retrieval and tau_d as their definitions read: what the package is measured against.

Each is correct and takes one image, item or threshold at a time.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


def per_image(similarity: NDArray, radii: NDArray, n_thresholds: int) -> list[list[int]]:
    """One arg-max per image over a masked matrix (thresholds, candidates), in numpy."""
    within = radii <= np.linspace(radii.min(), radii.max(), n_thresholds)[:, None]
    # Ties go to the smaller radius: candidates are looked at in that order.
    order = np.argsort(radii, kind="stable")
    within = within[:, order]
    return [
        _without_equal_neighbours(order[np.where(within, row[order], -np.inf).argmax(axis=1)])
        for row in similarity
    ]


def per_threshold(similarity: NDArray, radii: NDArray, n_thresholds: int) -> list[list[int]]:
    """One masked arg-max per image and threshold, in numpy."""
    order = np.argsort(radii, kind="stable")
    retrieved = []
    for row in similarity:
        found = []
        for threshold in np.linspace(radii.min(), radii.max(), n_thresholds):
            masked = np.where(radii[order] <= threshold, row[order], -np.inf)
            found.append(order[masked.argmax()])
        retrieved.append(_without_equal_neighbours(found))
    return retrieved


def per_candidate(similarity: NDArray, radii: NDArray, n_thresholds: int) -> list[list[int]]:
    """One Python step per image, threshold and candidate."""
    radius_of = radii.tolist()
    retrieved = []
    for row in similarity.tolist():
        found = []
        for threshold in np.linspace(radii.min(), radii.max(), n_thresholds).tolist():
            within = (c for c, value in enumerate(radius_of) if value <= threshold)
            found.append(min(within, key=lambda c: (-row[c], radius_of[c], c)))
        retrieved.append(_without_equal_neighbours(found))
    return retrieved


def precision_recall(
    retrieved: Sequence[Sequence[int]], texts: Sequence[str], gold: Sequence[Sequence[str]]
) -> tuple[float, float]:
    """Mean precision and recall over images."""
    precision, recall = [], []
    for indexes, tiers in zip(retrieved, gold, strict=True):
        found = {texts[index] for index in indexes}
        precision.append(len(found & set(tiers)) / len(found))
        recall.append(sum(tier in found for tier in tiers) / len(tiers))
    return float(np.mean(precision)), float(np.mean(recall))


def mean_tau(radii: Sequence[Sequence[float]]) -> float:
    """Mean Kendall's tau-a between the order of the tiers and their radii."""
    taus = []
    for row in radii:
        pairs = list(combinations(row, 2))
        taus.append(sum((b > a) - (b < a) for a, b in pairs) / len(pairs))
    return float(np.mean(taus))


def _without_equal_neighbours(indexes: Sequence[int]) -> list[int]:
    found: list[int] = []
    for index in indexes:
        if not found or found[-1] != index:
            found.append(int(index))
    return found
