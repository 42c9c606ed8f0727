"""Order-aware recall, violations along chains, the way to the root: against definitions."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.metrics import chains as chain_metrics
from hierarcaps.metrics.chains import (
    monotonicity_violations,
    ordered_recall,
    path_to_root,
    transitivity_excess,
)

TIERS = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("retrieved", "expected"),
    [
        (["a", "b", "c", "d"], 1.0),
        (["x", "a", "y", "d"], 0.5),
        (["d", "c", "b", "a"], 0.25),
        (["b", "a", "c", "d"], 0.75),
        (["c", "d", "a", "b"], 0.5),
        (["x"], 0.0),
    ],
)
def test_ordered_recall(retrieved, expected):
    assert ordered_recall([retrieved], [[{tier} for tier in TIERS]])[0] == expected


@given(st.permutations([*"abcdxy"]), st.integers(0, 6))
@settings(deadline=None, max_examples=50)
def test_ordered_recall_is_the_longest_rising_choice(texts, length):
    texts = texts[:length]
    places = {text: place for place, text in enumerate(texts)}
    best = max(
        size
        for size in range(5)
        for chosen in combinations(TIERS, size)
        if all(tier in places for tier in chosen)
        and all(places[x] <= places[y] for x, y in pairwise(chosen))
    )
    assert ordered_recall([texts], [[{tier} for tier in TIERS]])[0] == best / 4


def test_equal_tiers_share_a_position():
    assert ordered_recall([["a", "b"]], [[{"a"}, {"a"}, {"b"}, {"b"}]])[0] == 1


def test_a_tier_may_be_met_in_any_of_its_texts():
    gold = [[{"a", "A"}, {"b", "B"}, {"c"}, {"d"}]]
    assert ordered_recall([["b", "A", "B", "c"]], gold)[0] == 0.75
    assert ordered_recall([["c", "B", "a"]], gold)[0] == 0.25
    assert ordered_recall([[]], gold)[0] == 0


def test_monotonicity_counts_ties():
    radii = [[1, 2, 3, 4], [1, 1, 2, 3], [4, 3, 2, 1]]
    np.testing.assert_allclose(monotonicity_violations(radii), [0, 1 / 3, 1])


def test_transitivity_excess_is_a_threshold_that_fails():
    angles = np.zeros((1, 4, 4))
    angles[0, 0, 1], angles[0, 1, 2], angles[0, 0, 2] = 0.3, 0.5, 0.9
    excess = transitivity_excess(angles)
    assert excess.shape == (1, 4)
    assert excess[0, 0] == pytest.approx(0.4)
    # Triples 012, 013, 023, 123: every angle to tier 3 is 0, so only the first can fail.
    np.testing.assert_allclose(excess[0, 1:], 0)


def _unit(rng, *shape):
    vectors = rng.standard_normal(shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_path_agrees_with_many_small_steps(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    images, texts, root = _unit(rng, 6, 3), _unit(rng, 40, 3), _unit(rng, 3)
    monkeypatch.setattr(chain_metrics, "CHUNK_ELEMENTS", 100)  # two images at once
    paths = path_to_root(images @ texts.T, texts @ root, images @ root)
    candidates = np.vstack([texts, root])
    for image, path in zip(images, paths, strict=True):
        met = []
        for s in np.linspace(0, 1, 4001):
            nearest = int((candidates @ ((1 - s) * image + s * root)).argmax())
            if nearest == len(texts):
                break
            if not met or met[-1] != nearest:
                met.append(nearest)
        # A step can skip a text that is nearest only between two steps; nothing else may differ.
        assert [text for text in path if text in met] == met
        assert len(path) - len(met) <= 1


def test_an_image_at_the_root_meets_nothing():
    root = np.array([1.0, 0, 0])
    texts = np.array([[0, 1.0, 0], [0, 0, 1.0]])
    assert path_to_root(root[None] @ texts.T, texts @ root, np.array([1.0]))[0].tolist() == []


def test_a_text_equal_to_the_root_is_not_met():
    texts = np.array([[0, 1.0], [1.0, 0]])
    image, root = np.array([[0.1, 0.9]]), np.array([1.0, 0])
    assert path_to_root(image @ texts.T, texts @ root, image @ root)[0].tolist() == [0]
