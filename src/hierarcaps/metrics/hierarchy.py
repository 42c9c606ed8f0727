"""Metrics of hierarchy and retrieval: pure functions of arrays, no model and no file.

Symbols in shapes: N items, T tiers ordered from general to specific, I images, C candidate texts.
Per-item values are returned rather than means, so that intervals can be computed over them.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.intp]

# Similarities that are permuted at once: bounds the copy.
CHUNK_ELEMENTS = 1 << 20


def kendall_tau(radii: ArrayLike) -> FloatArray:
    """Kendall's tau-a between the tier order 1..T and the radii, per item (the paper's tau_d).

    ``tau = (concordant - discordant) / (T (T - 1) / 2)``. A pair of tied radii is neither, but
    still counts in the denominator: a constant row has 0 and is not left out. (Tau-b, which drops
    ties from the denominator, would give caption length in words .91 on the official test set;
    tau-a gives the published .89.)

    Args:
        radii: ``(N, T)``, T >= 2, finite.

    Returns:
        ``(N,)``, in ``[-1, 1]``; 1 where radii rise strictly with the tiers.

    >>> kendall_tau([[0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.2, 0.2]])
    array([1., 0.])
    """
    signs, _ = _pair_signs(_finite_matrix(radii, "radii"))
    return signs.mean(axis=1)


def length_controlled_tau(radii: ArrayLike, lengths: ArrayLike) -> FloatArray:
    """Kendall's tau-a over the pairs of tiers that caption length does not order rightly.

    Only pairs whose more specific text is not longer than the general one count, so that caption
    length used as the radius scores 0 or less, whatever it scores in ``kendall_tau``.

    Args:
        radii: ``(N, T)``, T >= 2, finite.
        lengths: ``(N, T)``, caption lengths in any unit.

    Returns:
        ``(N,)``, in ``[-1, 1]``, ties counting as in ``kendall_tau``; NaN for an item without
        such a pair.
    """
    radii = _finite_matrix(radii, "radii")
    lengths = _finite_matrix(lengths, "lengths")
    if radii.shape != lengths.shape:
        raise ValueError(f"radii {radii.shape} and lengths {lengths.shape} differ in shape")
    signs, (general, specific) = _pair_signs(radii)
    uninformative = lengths[:, specific] <= lengths[:, general]
    pairs = uninformative.sum(axis=1)
    total = (signs * uninformative).sum(axis=1)
    return np.divide(total, pairs, out=np.full(len(radii), np.nan), where=pairs > 0)


def hierarchical_retrieval(
    similarity: ArrayLike, radii: ArrayLike, n_thresholds: int = 50
) -> list[IntArray]:
    """Retrieve texts from general to specific for every image.

    At each of ``n_thresholds`` evenly spaced radii from the smallest to the largest, an image
    retrieves the candidate of the highest similarity among those whose radius does not exceed the
    threshold; a candidate equal to the one before is dropped.

    Ties in similarity go to the candidate of the smaller radius, then of the lower index: what is
    retrieved changes only where a strictly more similar candidate comes within reach.

    Args:
        similarity: ``(I, C)``, finite, higher is more similar.
        radii: ``(C,)``, C >= 1, finite. Where they rise already nothing is copied, which is
            several times faster.
        n_thresholds: number of thresholds, >= 2.

    Returns:
        One array of candidate indexes per image, from the first threshold to the last.

    >>> similarity = [[0.1, 0.3, 0.2]]  # of an image to three texts
    >>> hierarchical_retrieval(similarity, radii=[0.5, 0.9, 1.2])
    [array([0, 1])]
    """
    similarity, radii = np.asarray(similarity), np.asarray(radii)
    if similarity.ndim != 2 or radii.shape != similarity.shape[1:] or radii.size == 0:
        raise ValueError(f"expected (I, C) and (C,), got {similarity.shape} and {radii.shape}")
    if not np.isfinite(radii).all():
        raise ValueError("radii are not all finite")
    if n_thresholds < 2:
        raise ValueError(f"expected 2 thresholds or more, got {n_thresholds}")
    order = np.argsort(radii, kind="stable")
    within = within_thresholds(radii[order], n_thresholds)
    if (radii[1:] >= radii[:-1]).all():
        return [order[each] for each in retrieve_by_blocks([similarity], within)]
    retrieved: list[IntArray] = []
    rows = max(1, CHUNK_ELEMENTS // len(radii))
    buffer = np.empty((min(rows, len(similarity)), len(radii)), dtype=similarity.dtype)
    for start in range(0, len(similarity), rows):
        chunk = similarity[start : start + rows]
        # No index is out of range; "clip" only spares numpy a second, checked copy.
        by_radius = chunk.take(order, axis=1, out=buffer[: len(chunk)], mode="clip")
        retrieved += [order[each] for each in retrieve_by_blocks([by_radius], within)]
    return retrieved


def within_thresholds(rising: FloatArray, n_thresholds: int) -> IntArray:
    """How many of the candidates, by their rising radii (C,), each threshold admits, ``(T,)``."""
    thresholds = np.linspace(rising[0], rising[-1], n_thresholds)
    return np.searchsorted(rising, thresholds, side="right")


def retrieve_by_blocks(blocks: Iterable[FloatArray], within: IntArray) -> list[IntArray]:
    """Retrieve as ``hierarchical_retrieval``, candidates coming in blocks and by rising radius.

    What is kept of a block is one maximum an image, so that any number of candidates takes the
    memory of a block.

    Args:
        blocks: similarities, ``(I, c)`` each, of C candidates in all; finite.
        within: how many candidates each of T thresholds admits, rising, the last one C.

    Returns:
        One array of candidate numbers per image, without equal neighbours.
    """
    ends, stretch_of_end = np.unique(within, return_inverse=True)
    found: list[IntArray] = []
    start = 0
    for block in blocks:
        if start == 0:
            kind = np.result_type(block, np.float32)
            reached = np.full(len(block), -np.inf, dtype=kind)
            place = np.zeros(len(block), dtype=np.intp)
        stop = start + block.shape[1]
        for first, end in pairwise([start, *ends[(ends > start) & (ends < stop)], stop]):
            stretch = block[:, first - start : end - start]
            maxima = stretch.max(axis=1)
            if not np.isfinite(maxima).all():
                raise ValueError("similarities are not all finite")
            # Where the maximum stands is looked for only where it is a new one, which is seldom.
            rows = np.flatnonzero(maxima > reached)
            place[rows] = first + stretch[rows].argmax(axis=1)
            reached[rows] = maxima[rows]
            if end == ends[len(found)]:
                found.append(place.copy())
        start = stop
    return _drop_equal_neighbours(np.column_stack(found)[:, stretch_of_end])


def precision_recall(
    retrieved: Sequence[IntArray],
    texts: Sequence[str],
    gold: Sequence[Sequence[Collection[str]]],
) -> tuple[FloatArray, FloatArray]:
    """Precision and recall of retrieved hierarchies against the gold tiers, per image.

    Precision is the share of the distinct retrieved strings that are right in some tier; recall is
    the share of tiers of which a string was retrieved. A string counts once however often it occurs
    among the candidates. (The reference evaluator's definition for images with several chains.)

    Args:
        retrieved: I arrays of indexes into ``texts``, none empty.
        texts: C candidate texts.
        gold: of I images the tiers, each the set of its right texts.

    Returns:
        ``(I,)`` and ``(I,)``, in ``[0, 1]``.

    >>> texts, gold = ["animal", "goat", "boat"], [[{"animal"}, {"goat"}]]
    >>> precision_recall([np.array([0, 2])], texts, gold)
    (array([0.5]), array([0.5]))
    """
    precision, recall = np.empty(len(retrieved)), np.empty(len(retrieved))
    for i, (indexes, tiers) in enumerate(zip(retrieved, gold, strict=True)):
        found = {texts[index] for index in indexes}
        precision[i] = len(found.intersection(set().union(*tiers))) / len(found)
        recall[i] = sum(not found.isdisjoint(tier) for tier in tiers) / len(tiers)
    return precision, recall


def retrieval_ranks(
    similarity: ArrayLike, texts: Sequence[str], gold: Sequence[Collection[str]]
) -> tuple[IntArray, IntArray]:
    """Ranks of the right answer in standard retrieval, both ways; ``R@k = mean(ranks <= k)``.

    Identical strings are one text: it is a right answer for each image that has it among its gold
    texts, and it is asked for once. Ties count against the model, so that a collapsed embedding
    scores nothing and no result depends on the order of the candidates.

    Args:
        similarity: ``(I, C)``, finite, higher is more similar.
        texts: C candidate texts; of identical ones the first column is used.
        gold: for each image its gold texts (one or several captions), all of them in ``texts``.

    Returns:
        Image-to-text ranks ``(I,)`` and text-to-image ranks ``(Q,)``, from 1; Q counts the
        distinct texts that are gold for some image, in the order of their first occurrence.
    """
    columns = {text: column for column, text in reversed(list(enumerate(texts)))}
    distinct = sorted(columns.values())
    position = {texts[column]: i for i, column in enumerate(distinct)}
    similarity = _finite_matrix(similarity, "similarity")[:, distinct]
    if len(similarity) != len(gold):
        raise ValueError(f"{len(similarity)} images, but gold texts for {len(gold)}")
    is_gold = np.zeros(similarity.shape, dtype=bool)
    for i, captions in enumerate(gold):
        if not captions:
            raise ValueError(f"image {i} has no gold text")
        is_gold[i, [position[caption] for caption in captions]] = True
    asked = is_gold.any(axis=0)
    return _ranks(similarity, is_gold), _ranks(similarity[:, asked].T, is_gold[:, asked].T)


def recall_at(ranks: IntArray, k: int) -> FloatArray:
    """Per-query hits of R@k, ``(Q,)``, 1 where the rank (from 1) is within ``k``, else 0."""
    return (np.asarray(ranks) <= k).astype(np.float64)


def _finite_matrix(values: ArrayLike, name: str) -> FloatArray:
    matrix = np.asarray(values)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(f"{name}: expected a finite matrix, got shape {matrix.shape}")
    return matrix


def _pair_signs(radii: FloatArray) -> tuple[FloatArray, tuple[IntArray, IntArray]]:
    """Signs ``(N, T (T - 1) / 2)`` of radius differences, specific minus general, and the pairs."""
    general, specific = np.triu_indices(radii.shape[1], k=1)
    if len(general) == 0:
        raise ValueError("an order needs 2 tiers or more")
    differences = radii[:, specific].astype(np.float64) - radii[:, general]
    return np.sign(differences), (general, specific)


def _drop_equal_neighbours(indexes: IntArray) -> list[IntArray]:
    changes = np.ones(indexes.shape, dtype=bool)
    changes[:, 1:] = indexes[:, 1:] != indexes[:, :-1]
    kept, ends = indexes[changes], changes.sum(axis=1).cumsum().tolist()
    return [kept[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _ranks(similarity: FloatArray, is_gold: NDArray[np.bool_]) -> IntArray:
    """Rank of each row's best gold column among the columns that are not gold, ties before it."""
    best = np.where(is_gold, similarity, -np.inf).max(axis=1, keepdims=True)
    return 1 + ((similarity >= best) & ~is_gold).sum(axis=1)
