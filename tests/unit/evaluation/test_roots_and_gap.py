"""Other roots than the empty string, and images among texts."""

from dataclasses import replace

import numpy as np
import pytest

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.modality_gap import ModalityGap
from hierarcaps.evaluation.tasks.registry import HierarchicalRetrieval, Ordering
from hierarcaps.evaluation.tasks.roots import ROOTS, RootAblation, radii_from


def test_the_empty_root_is_what_the_other_tasks_measure(items, ideal):
    table = RootAblation(50).items(items, ideal)
    retrieval = HierarchicalRetrieval(50).items(items, ideal)
    assert table["precision_empty"].tolist() == retrieval["precision"].tolist()
    assert table["recall_empty"].tolist() == retrieval["recall"].tolist()
    assert table["tau_d_empty"].tolist() == Ordering().items(items, ideal)["tau"].tolist()


def test_from_the_origin_there_is_no_order_and_only_the_nearest_text(items, ideal):
    table = RootAblation(50).items(items, ideal)
    assert (table["tau_d_origin"] == 0).all()
    assert (table["precision_origin"] == 1).all()  # the nearest text is the image's own tier 4
    assert (table["recall_origin"] == 0.25).all()


def test_the_mean_root_is_the_normalised_mean_of_the_distinct_texts(items, ideal):
    texts = list(ideal.strings)
    mean = ideal.texts.astype(float).mean(axis=0)
    expected = np.linalg.norm(ideal.texts - mean / np.linalg.norm(mean), axis=1)
    assert radii_from(ideal, texts, "mean") == pytest.approx(expected, abs=1e-6)
    moved = replace(ideal, root=-ideal.root)
    assert radii_from(moved, texts, "mean") == pytest.approx(radii_from(ideal, texts, "mean"))
    assert radii_from(moved, texts, "empty") == pytest.approx(space.radii(moved, texts))
    values = RootAblation(50).values(RootAblation(50).items(items, ideal))
    assert set(values) == {f"{m}_{r}" for m in ("tau_d", "precision", "recall") for r in ROOTS}


def test_the_gap_is_the_distance_of_the_centroids(items, ideal):
    table = ModalityGap().items(items, ideal)
    rows = ideal.text_rows([item.tiers[-1] for item in items])
    expected = np.linalg.norm(ideal.texts[rows].mean(axis=0) - ideal.images.mean(axis=0))
    values = ModalityGap().values(table)
    assert np.isnan(values["gap"]).sum() == len(items) // 2  # the half that it was fitted on
    assert 0 < np.nanmean(values["gap"]) < expected
    # Each image stands 0.1 rad beyond its caption, on the same way from the root.
    assert values["cosine_of_pairs"] == pytest.approx(np.cos(0.1), abs=1e-6)
    assert (values["image_beyond_text"] == 1).all()
    assert values["image_radius"] == pytest.approx(2 * np.sin(0.55), abs=1e-6)


def test_without_a_gap_nothing_is_divided_by_zero(items, ideal):
    rows = ideal.text_rows([item.tiers[-1] for item in items])
    table = ModalityGap().items(items, replace(ideal, images=ideal.texts[rows]))
    assert (table["along_gap"].dropna() == 0).all()
    assert not (ModalityGap().values(table)["image_beyond_text"]).any()
