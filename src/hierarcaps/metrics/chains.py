"""Metrics of chains of texts: order among what was retrieved, violations, the way to the root.

Pure functions of arrays. Symbols: N items, T tiers from general to specific, I images, C texts.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# Similarities held at once in double precision.
CHUNK_ELEMENTS = 1 << 22


def ordered_recall(
    retrieved: Sequence[Sequence[str]], gold: Sequence[Sequence[Collection[str]]]
) -> FloatArray:
    """Share of an image's tiers that were retrieved in the right order.

    The most tiers that can be kept such that the positions of their texts in the retrieved chain do
    not fall, over T. It is never above recall and equals it where nothing is out of order. (They
    may be equal: a chain with the same text in two tiers has one position for both.)

    Args:
        retrieved: N chains of distinct texts, general to specific.
        gold: N chains of T tiers, each the set of its right texts.

    Returns:
        ``(N,)``, in ``[0, 1]``.
    """
    shares = []
    for texts, tiers in zip(retrieved, gold, strict=True):
        position = {text: place for place, text in enumerate(texts)}
        longest = [0] * len(texts)  # longest[p]: of the chains that end at or before position p
        for tier in tiers:
            ends = {p: 1 + longest[p] for p in (position[t] for t in tier if t in position)}
            for place, length in ends.items():
                longest[place:] = [max(length, each) for each in longest[place:]]
        shares.append(longest[-1] / len(tiers) if texts else 0.0)
    return np.array(shares, dtype=np.float64)


def monotonicity_violations(radii: ArrayLike) -> FloatArray:
    """Share of neighbouring tiers whose radius does not rise, per item; ties are violations.

    Args:
        radii: ``(N, T)``, T >= 2.

    Returns:
        ``(N,)``, in ``[0, 1]``.
    """
    return (np.diff(np.asarray(radii, dtype=np.float64), axis=1) <= 0).mean(axis=1)


def triples(tiers: int) -> IntArray:
    """Return the ``(K, 3)`` triples i < j < k of tiers, in lexical order."""
    return np.array(list(combinations(range(tiers), 3)), dtype=np.intp)


def transitivity_excess(angles: ArrayLike) -> FloatArray:
    """How far the angle from i to k exceeds both of its steps, for each triple of tiers i < j < k.

    A rule "e entails e' iff Xi <= t" is transitive on a triple for every threshold t exactly where
    ``Xi_ik <= max(Xi_ij, Xi_jk)``; otherwise some threshold accepts both steps and rejects the
    whole. So no threshold has to be chosen to speak of transitivity.

    Args:
        angles: ``(N, T, T)``, ``angles[:, i, j]`` the exterior angle from tier i to tier j > i.

    Returns:
        ``(N, K)`` radians >= 0 over ``triples(T)``; above 0 is a violation.
    """
    angles = np.asarray(angles, dtype=np.float64)
    i, j, k = triples(angles.shape[1]).T
    return np.maximum(0.0, angles[:, i, k] - np.maximum(angles[:, i, j], angles[:, j, k]))


def path_to_root(
    image_text: ArrayLike,
    root_text: ArrayLike,
    image_root: ArrayLike,
    root_root: float = 1.0,
) -> list[IntArray]:
    """Texts met on the straight way from each image to the root, in the order they are met.

    A point of the way is ``(1 - s) image + s root``, s from 0 to 1 (its projection to the sphere
    runs along the arc). It meets the text of the highest cosine; where the root itself is nearest,
    the way has arrived. Up to a factor that all texts share, that cosine is the line
    ``(1 - s) image.text + s root.text``: the texts met are the upper envelope of C lines, found
    exactly, without steps along the way that could skip one.

    Ties go to the text that stays nearest for longer, then to the lower index.

    Args:
        image_text: ``(I, C)`` cosines, finite.
        root_text: ``(C,)`` cosines of the texts to the root.
        image_root: ``(I,)`` cosines of the images to the root.
        root_root: cosine of the root to itself. (In other geometries that have such lines, these
            are other similarities, and it is the highest that a text can have to the root.)

    Returns:
        One array of text indexes per image, the nearest to the image first; empty where the root
        is nearer to the image than every text is.
    """
    image_text = np.asarray(image_text)
    if image_text.ndim != 2 or np.shape(root_text) != image_text.shape[1:]:
        raise ValueError(f"expected (I, C) and (C,), got {image_text.shape}, {np.shape(root_text)}")
    # The root is the last candidate: at its own place no text can be nearer.
    at_root = np.append(np.asarray(root_text, dtype=np.float64), root_root)
    paths: list[IntArray] = []
    rows = max(1, CHUNK_ELEMENTS // len(at_root))
    for start in range(0, len(image_text), rows):
        chunk = np.asarray(image_text[start : start + rows], dtype=np.float64)
        of_root = np.asarray(image_root, dtype=np.float64)[start : start + rows, None]
        paths.extend(_upper_envelopes(np.hstack([chunk, of_root]), at_root))
    return paths


def _upper_envelopes(at_image: FloatArray, at_root: FloatArray) -> list[IntArray]:
    """Lines from ``at_image (I, C)`` at s = 0 to ``at_root (C,)`` at s = 1; the last ends it."""
    if not np.isfinite(at_image).all() or not np.isfinite(at_root).all():
        raise ValueError("cosines are not all finite")
    last = len(at_root) - 1
    # Text embeddings equal to the root's may exceed it by rounding.
    at_root = np.minimum(at_root, at_root[last])
    by_slope = np.argsort(-at_root, kind="stable")
    starts = at_image[:, by_slope]
    current = by_slope[starts.argmax(axis=1)]
    paths: list[list[int]] = [[] for _ in at_image]
    active = np.arange(len(at_image))
    while True:
        active = active[at_root[current[active]] < at_root[last]]
        if not len(active):
            return [np.array(path, dtype=np.intp) for path in paths]
        for image in active:
            paths[image].append(int(current[image]))
        lines = current[active]
        rise = at_root[by_slope] - at_root[lines][:, None]
        fall = at_image[active, lines][:, None] - starts[active]
        crossing = np.divide(fall, rise, out=np.full(rise.shape, np.inf), where=rise > 0)
        current[active] = by_slope[crossing.argmin(axis=1)]
