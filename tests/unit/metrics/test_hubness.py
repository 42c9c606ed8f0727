"""Hubs, against plain definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hierarcaps.metrics.hubness import (
    incidence,
    largest_share,
    neighbourhood_density,
    skewness,
    without_empty_columns,
    worst,
)

CHAINS = [np.array([0, 3]), np.array([0, 2]), np.array([0]), np.array([0, 3, 4])]


def test_incidence_has_a_row_for_each_image():
    matrix = incidence(CHAINS, 6).toarray()
    assert matrix.sum(axis=0).tolist() == [4, 0, 1, 2, 1, 0]
    assert matrix.sum(axis=1).tolist() == [2, 2, 1, 3]
    assert without_empty_columns(incidence(CHAINS, 6)).sum(axis=0).tolist() == [4, 1, 2, 1]
    assert incidence([], 3).shape == (0, 3)
    assert incidence([np.array([], dtype=int)], 3).toarray().tolist() == [[0, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_both_measures_are_those_of_the_images_drawn(seed: int):
    rng = np.random.default_rng(seed)
    chains = [np.flatnonzero(rng.random(7) < 0.4) for _ in range(9)]
    matrix = incidence(chains, 7)
    drawn = rng.integers(9, size=12)
    counts = np.bincount(drawn, minlength=9)[None]
    times = [sum(text in chains[image] for image in drawn) for text in range(7)]
    assert largest_share(matrix, counts)[0] == pytest.approx(max(times) / 12)
    held = without_empty_columns(matrix)
    assert largest_share(held, counts) == largest_share(matrix, counts)
    found = skewness(matrix, counts)[0]
    assert skewness(held, counts, 7)[0] == pytest.approx(found, abs=1e-12, nan_ok=True)
    if len(set(times)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.skew(times), abs=1e-9)


def test_the_worst_are_ranked_and_none_is_made_up():
    assert worst(incidence(CHAINS, 6), 2).tolist() == [0, 3]
    assert worst(incidence(CHAINS, 6), 10).tolist() == [0, 3, 2, 4]


def test_local_scaling_takes_a_hub_down():
    similarity = np.array([[0.6, 0.55], [0.6, 0.1], [0.6, 0.1]])  # text 0 is near every image
    density = neighbourhood_density(similarity)
    assert density == pytest.approx([0.6, 0.25])
    assert (similarity[0] - density / 2).argmax() == 1
    # The order is that of 2 s(image, text) - r(text) - r(image), whatever the image's own term.
    csls = 2 * similarity - density - similarity.mean(axis=1, keepdims=True)
    assert (np.argsort(csls) == np.argsort(similarity - density / 2)).all()
