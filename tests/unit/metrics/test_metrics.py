"""Metrics against their plain definitions, with ties and duplicate strings."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kendalltau

from hierarcaps.metrics import hierarchy as metrics
from hierarcaps.metrics.hierarchy import (
    hierarchical_retrieval,
    kendall_tau,
    length_controlled_tau,
    precision_recall,
    recall_at,
    retrieval_ranks,
    retrieve_by_blocks,
    within_thresholds,
)

seeds = st.integers(0, 2**31 - 1)


# Ordering


def plain_tau(radii: NDArray, pairs: list[tuple[int, int]]) -> float:
    return sum(int(radii[j] > radii[i]) - int(radii[j] < radii[i]) for i, j in pairs) / len(pairs)


def all_pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i + 1, n)]


@settings(deadline=None, max_examples=50)
@given(seed=seeds, tiers=st.integers(2, 6))
def test_kendall_tau_counts_pairs(seed: int, tiers: int) -> None:
    radii = np.random.default_rng(seed).integers(0, 5, size=(7, tiers)).astype(float)
    expected = [plain_tau(row, all_pairs(tiers)) for row in radii]
    np.testing.assert_allclose(kendall_tau(radii), expected)


def test_kendall_tau_without_ties_is_scipys() -> None:
    radii = np.random.default_rng(0).normal(size=(20, 4))
    expected = [kendalltau(range(4), row).statistic for row in radii]
    np.testing.assert_allclose(kendall_tau(radii), expected)


def test_kendall_tau_extremes_and_ties() -> None:
    radii = [[1, 2, 3, 4], [4, 3, 2, 1], [5, 5, 5, 5], [1, 1, 2, 3]]
    np.testing.assert_allclose(kendall_tau(radii), [1, -1, 0, 5 / 6])


def test_unsigned_lengths_do_not_wrap_around() -> None:
    assert kendall_tau(np.array([[4, 3, 2, 1]], dtype=np.uint8)) == -1


@pytest.mark.parametrize("bad", [[[0.0, np.nan]], [1.0, 2.0], [[1.0]]])
def test_kendall_tau_refuses_what_has_no_order(bad: list) -> None:
    with pytest.raises(ValueError, match=r"radii|tiers"):
        kendall_tau(bad)


@settings(deadline=None, max_examples=50)
@given(seed=seeds)
def test_length_controlled_tau_is_the_plain_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    radii, lengths = rng.integers(0, 5, size=(2, 8, 4))
    got = length_controlled_tau(radii, lengths)
    for row, length, value in zip(radii, lengths, got, strict=True):
        pairs = [(i, j) for i, j in all_pairs(4) if length[j] <= length[i]]
        if pairs:
            assert value == pytest.approx(plain_tau(row, pairs))
        else:
            assert np.isnan(value)
    by_length = length_controlled_tau(lengths, lengths)
    assert (by_length[~np.isnan(by_length)] <= 0).all()


def test_caption_length_scores_as_published_on_the_official_test_set(real_data: Path) -> None:
    with (real_data / "hierarcaps" / "hierarcaps_test.csv").open(encoding="utf-8") as file:
        captions = [
            [tier.strip() for tier in row["captions"].split("=>")] for row in csv.DictReader(file)
        ]
    words = np.array([[len(tier.split()) for tier in tiers] for tiers in captions])
    characters = np.array([[len(tier) for tier in tiers] for tiers in captions])
    assert kendall_tau(words).mean() == pytest.approx(0.89, abs=0.0005)
    assert kendall_tau(characters).mean() == pytest.approx(0.8693, abs=0.0005)


# Hierarchical retrieval


def plain_hierarchical_retrieval(
    similarity: NDArray, radii: NDArray, n_thresholds: int
) -> list[list[int]]:
    """The definition, one image, threshold and candidate at a time."""
    retrieved = []
    for row in similarity:
        found: list[int] = []
        for threshold in np.linspace(radii.min(), radii.max(), n_thresholds):
            within = [c for c in range(len(radii)) if radii[c] <= threshold]
            best = min(within, key=lambda c: (-row[c], radii[c], c))
            if not found or found[-1] != best:
                found.append(best)
        retrieved.append(found)
    return retrieved


def plain_precision_recall(
    found: list[int], texts: list[str], tiers: list[str]
) -> tuple[float, float]:
    strings = {texts[c] for c in found}
    gold = set(tiers)
    return len(strings & gold) / len(strings), np.mean([tier in strings for tier in tiers])


@settings(deadline=None, max_examples=60)
@given(
    seed=seeds,
    n_candidates=st.integers(1, 40),
    n_thresholds=st.integers(2, 60),
    levels=st.sampled_from([2, 5, 1000]),
    dtype=st.sampled_from([np.float32, np.float64]),
    in_order=st.booleans(),
)
def test_vectorised_retrieval_is_exactly_the_definition(
    seed: int, n_candidates: int, n_thresholds: int, levels: int, dtype: type, in_order: bool
) -> None:
    """Few ``levels`` make ties in radius and similarity; few words make duplicate strings."""
    rng = np.random.default_rng(seed)
    similarity = (rng.integers(0, levels, size=(6, n_candidates)) / levels).astype(dtype)
    radii = (rng.integers(0, levels, size=n_candidates) / levels).astype(dtype)
    if in_order:
        radii.sort()
    texts = [f"text {k}" for k in rng.integers(0, 12, size=n_candidates)]
    gold = [[f"text {k}" for k in rng.integers(0, 12, size=4)] for _ in range(6)]

    expected = plain_hierarchical_retrieval(similarity, radii, n_thresholds)
    got = hierarchical_retrieval(similarity, radii, n_thresholds)
    assert [found.tolist() for found in got] == expected

    precision, recall = precision_recall(got, texts, [[{tier} for tier in each] for each in gold])
    scores = [
        plain_precision_recall(found, texts, tiers)
        for found, tiers in zip(expected, gold, strict=True)
    ]
    np.testing.assert_array_equal(precision, [p for p, _ in scores])
    np.testing.assert_array_equal(recall, [r for _, r in scores])


def test_chunks_of_images_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    similarity, radii = rng.normal(size=(23, 30)), rng.uniform(size=30)
    whole = hierarchical_retrieval(similarity, radii)
    monkeypatch.setattr(metrics, "CHUNK_ELEMENTS", 4 * 30)
    chunked = hierarchical_retrieval(similarity, radii)
    assert len(whole) == 23
    for a, b in zip(whole, chunked, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, levels=st.integers(1, 9), n_thresholds=st.integers(2, 9))
def test_blocks_of_candidates_do_not_change_the_result(
    seed: int, levels: int, n_thresholds: int
) -> None:
    rng = np.random.default_rng(seed)
    similarity = rng.integers(0, levels, size=(5, 40)) / levels
    radii = np.sort(rng.integers(0, levels, size=40) / levels)
    blocks = np.split(similarity, np.unique(rng.integers(1, 40, size=4)), axis=1)
    found = retrieve_by_blocks(blocks, within_thresholds(radii, n_thresholds))
    expected = plain_hierarchical_retrieval(similarity, radii, n_thresholds)
    assert [each.tolist() for each in found] == expected


def test_every_image_ends_at_its_nearest_candidate() -> None:
    rng = np.random.default_rng(1)
    similarity, radii = rng.normal(size=(50, 80)), rng.uniform(size=80)
    last = [found[-1] for found in hierarchical_retrieval(similarity, radii)]
    np.testing.assert_array_equal(last, similarity.argmax(axis=1))


def test_a_tie_goes_to_the_more_generic_candidate() -> None:
    found = hierarchical_retrieval([[0.5, 0.5, 0.5]], [0.9, 0.1, 0.1])
    assert [each.tolist() for each in found] == [[1]]


@pytest.mark.parametrize(
    ("similarity", "radii", "n_thresholds"),
    [
        ([[np.nan, 1.0]], [0.0, 1.0], 50),
        ([[0.0, 1.0]], [np.nan, 1.0], 50),
        ([[0.0, 1.0]], [1.0], 50),
        (np.zeros((2, 0)), [], 50),
        ([[0.0, 1.0]], [0.0, 1.0], 1),
    ],
)
def test_retrieval_refuses_bad_arrays(similarity: list, radii: list, n_thresholds: int) -> None:
    with pytest.raises(ValueError, match=r"finite|expected"):
        hierarchical_retrieval(similarity, radii, n_thresholds)


def test_no_images_retrieve_nothing() -> None:
    assert hierarchical_retrieval(np.zeros((0, 3)), [0.0, 1.0, 2.0]) == []


def test_precision_and_recall_count_distinct_strings() -> None:
    texts = ["animal", "goat", "animal", "boat"]
    precision, recall = precision_recall(
        [np.array([0, 1, 2, 3])], texts, [[{"animal"}, {"goat"}, {"white goat"}, {"a white goat"}]]
    )
    assert precision.tolist() == [2 / 3]
    assert recall.tolist() == [0.5]


def test_the_texts_of_all_chains_of_an_image_are_right() -> None:
    texts = ["animal", "pet", "dog", "boat"]
    gold = [[{"animal", "pet"}, {"dog", "goat"}, {"x"}, {"y"}]]
    precision, recall = precision_recall([np.array([0, 1, 2])], texts, gold)
    assert (precision[0], recall[0]) == (1, 0.5)


# Standard retrieval


def plain_ranks(
    similarity: NDArray, texts: list[str], gold: list[list[str]]
) -> tuple[list[int], list[int]]:
    distinct = list(dict.fromkeys(texts))
    column = {text: texts.index(text) for text in distinct}
    to_text = []
    for row, own in zip(similarity, gold, strict=True):
        best = max(row[column[text]] for text in own)
        to_text.append(1 + sum(row[column[t]] >= best for t in distinct if t not in own))
    to_image = []
    for text in distinct:
        own_images = [i for i, captions in enumerate(gold) if text in captions]
        if own_images:
            scores = similarity[:, column[text]]
            best = max(scores[i] for i in own_images)
            others = (i for i in range(len(gold)) if i not in own_images)
            to_image.append(1 + sum(scores[i] >= best for i in others))
    return to_text, to_image


@settings(deadline=None, max_examples=60)
@given(seed=seeds, captions=st.integers(1, 5), levels=st.sampled_from([3, 1000]))
def test_retrieval_ranks_are_the_plain_definition(seed: int, captions: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 20, size=25)
    texts = [f"text {k}" for k in words]
    gold = [[texts[c] for c in rng.integers(0, 25, size=captions)] for _ in range(9)]
    similarity = rng.integers(0, levels, size=(9, 25)) / levels
    got = retrieval_ranks(similarity, texts, gold)
    expected = plain_ranks(similarity, texts, gold)
    assert (got[0].tolist(), got[1].tolist()) == expected


def test_identical_captions_of_two_images_are_both_right() -> None:
    similarity = np.array([[0.9, 0.1, 0.9], [0.8, 0.7, 0.8]])
    texts = ["a dog", "a cat", "a dog"]
    image_ranks, text_ranks = retrieval_ranks(similarity, texts, [["a dog"], ["a dog"]])
    assert image_ranks.tolist() == [1, 1]
    assert text_ranks.tolist() == [1]
    assert recall_at(image_ranks, 1).tolist() == [1.0, 1.0]


def test_a_collapsed_embedding_retrieves_nothing() -> None:
    texts = [f"text {k}" for k in range(10)]
    image_ranks, text_ranks = retrieval_ranks(np.ones((10, 10)), texts, [[text] for text in texts])
    assert image_ranks.tolist() == [10] * 10
    assert text_ranks.tolist() == [10] * 10


def test_an_image_without_gold_text_is_refused() -> None:
    with pytest.raises(ValueError, match="image 1 has no gold text"):
        retrieval_ranks(np.ones((2, 1)), ["a dog"], [["a dog"], []])
