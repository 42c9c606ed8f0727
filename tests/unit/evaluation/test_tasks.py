"""Tasks on the test set alone, on embeddings whose right answers are known by construction."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hierarcaps.evaluation.baselines import random_embeddings
from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.tasks.hierarchical import candidates, retrieve
from hierarcaps.evaluation.tasks.names import RADIUS_TASKS, task_names
from hierarcaps.evaluation.tasks.protocol import RadiusTask
from hierarcaps.evaluation.tasks.registry import (
    Chains,
    Entailment,
    HierarchicalRetrieval,
    Ordering,
    RadiusControls,
    Retrieval,
    Traversal,
    all_tasks,
    evaluate,
)
from hierarcaps.metrics import hierarchy as metrics
from hierarcaps.models.embeddings import Embeddings


@pytest.mark.parametrize("task", [HierarchicalRetrieval(50), Ordering(), Retrieval()])
def test_an_ideal_model_is_perfect(task, items, ideal):
    table = task.items(items, ideal)
    assert list(table["item_id"]) == [item.item_id for item in items]
    for name, values in task.values(table).items():
        if name != "tau_d_length_controlled":
            assert np.nanmean(values) == 1, name


def test_an_ideal_model_violates_no_order(items, ideal):
    values = Chains().values(Chains().items(items, ideal))
    assert set(values) == {
        "monotonicity_violations", "chains_not_monotonic", "transitivity_violations",
        "transitivity_excess",
    }  # fmt: skip
    assert (values["monotonicity_violations"] == 0).all()
    # Kind -> big kind -> here lie on one arc; the angle of a whole is that of its first step.
    table = Chains().items(items, ideal)
    assert table["excess_2_3_4"].max() < 1e-6


def test_the_way_to_the_root_meets_the_chain_from_its_end(items, ideal):
    table = Traversal().items(items, ideal)
    values = Traversal().values(table)
    assert (values["precision"] == 1).all()
    # The image is nearest to tier 4; the general text that all share is off every straight way.
    assert [list(texts)[-1] for texts in table["retrieved"]] == [item.tiers[3] for item in items]
    assert (values["ordered_recall"] == values["recall"]).all()
    assert (values["texts_met"] == table["retrieved"].map(len)).all()


def test_controls_replace_the_radius_and_nothing_else(items, ideal):
    values = RadiusControls(50).values(RadiusControls(50).items(items, ideal))
    assert len(values) == 9
    # Length orders these chains perfectly, so it is as good as the ideal radius.
    assert (values["precision_characters"] == 1).all()
    assert (values["ordered_recall_words"] == 1).all()
    # Shuffled radii keep what is most similar, and lose the order.
    assert values["recall_shuffled"].mean() < 1


def test_angles_are_small_along_an_ideal_chain(items, ideal):
    table = Ordering().items(items, ideal)
    # The chain kind -> big kind -> here bends along the sphere: it continues outward.
    assert (table[["angle_2", "angle_3"]] < np.pi / 4).all(axis=None)
    radii = table[[f"radius_{tier}" for tier in range(1, 5)]].to_numpy()
    np.testing.assert_allclose(radii[0], 2 * np.sin(np.array([0.1, 0.4, 0.7, 1.0]) / 2), rtol=1e-6)


def test_a_reversed_model_orders_backwards(items, ideal):
    reverse = Embeddings(ideal.images, ideal.texts, -ideal.root, ideal.names, ideal.strings, {})
    assert (Ordering().values(Ordering().items(items, reverse))["tau_d"] == -1).all()
    values = Chains().values(Chains().items(items, reverse))
    assert (values["monotonicity_violations"] == 1).all()


def test_chunks_of_images_change_nothing(items, ideal, monkeypatch):
    from hierarcaps.evaluation.tasks import space

    whole = [task.items(items, ideal) for task in (HierarchicalRetrieval(50), Traversal())]
    monkeypatch.setattr(space, "CHUNK_ELEMENTS", 40)
    parts = [task.items(items, ideal) for task in (HierarchicalRetrieval(50), Traversal())]
    for expected, found in zip(whole, parts, strict=True):
        pd.testing.assert_frame_equal(found, expected)


def test_sorting_the_candidates_first_changes_nothing(items):
    """Also on tied radii and among texts of equal embeddings: the tie rules are the metric's."""
    embeddings = random_embeddings(items, seed=1)
    strings = candidates(items)
    radii = np.random.default_rng(0).integers(0, 4, len(strings)).astype(float)
    similarity = embeddings.images @ embeddings.texts.T
    expected = metrics.hierarchical_retrieval(similarity, radii, 50)
    found = retrieve(embeddings, embeddings.names, strings, radii, 50)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    same = replace(embeddings, texts=np.broadcast_to(embeddings.texts[:1], embeddings.texts.shape))
    nearest_root = int(np.flatnonzero(radii == radii.min())[0])
    for chain in retrieve(same, same.names, strings, radii, 50):
        assert chain.tolist() == [nearest_root]


def _auroc(task, table, name):
    statistic = task.values(table)[name]
    return statistic.of(np.ones((1, statistic.n)))[0]


def test_entailment_ranks_own_continuations_first(items, ideal):
    task = Entailment()
    table = task.items(items, ideal)
    # "thing" is above all kinds: no kind of another item is a negative for it.
    counts = table.groupby(["kind", "tier"]).size()
    assert ("other", 1) not in counts.index
    assert counts["entailed", 1] == counts["reversed", 1] == counts["other", 2] == len(items)
    beyond = table[table["tier"] > 1]
    assert _auroc(task, beyond, "auroc_other") == 1
    assert _auroc(task, beyond, "auroc_reversed") == 1
    assert _auroc(task, beyond, "auroc_reversed_radius") == 1
    assert task.provenance(items)["pairs"] == {"entailed": 18, "reversed": 18, "other": 12}
    assert not list(task.strings(items))


def test_entailment_asks_the_logic_and_uses_given_negatives(items, ideal):
    nothing = Entailment(entails=lambda premise, hypothesis: True)
    assert "other" not in set(nothing.items(items, ideal)["kind"])
    negatives = ("kind 0", "kind 1", "kind 2", "big kind 3")
    with_negatives = [replace(item, negatives=negatives) for item in items]
    table = Entailment().items(with_negatives, ideal)
    pairs = table[table["kind"] == "contradicting"]
    assert list(pairs["child"][:3]) == list(negatives[:3])
    assert list(pairs["parent"][:3]) == list(items[0].tiers[:3])
    assert set(Entailment().strings(with_negatives)) == set(negatives)
    assert "auroc_contradicting" in Entailment().values(table)


def test_entailment_draws_items_whole(items, ideal):
    statistic = Entailment().values(Entailment().items(items, ideal))["auroc_other"]
    assert statistic.n == len(items)
    counts = np.zeros((1, len(items)))
    assert np.isnan(statistic.of(counts)[0])


def test_results_are_reproducible_and_traceable(tmp_path, items, ideal, settings):
    run = Run("ideal", "zeroshot", 0)
    for folder in (tmp_path / "a", tmp_path / "b"):
        evaluate(items, ideal, run, settings, folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    expected = [f"{task}.{kind}" for task in task_names(settings) for kind in ("json", "parquet")]
    assert names == sorted(expected)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    result = json.loads((tmp_path / "a" / "hierarchical_retrieval.json").read_text())
    table = pd.read_parquet(tmp_path / "a" / "hierarchical_retrieval.parquet")
    assert result["metrics"]["precision"]["value"] == table["precision"].mean()
    assert result["provenance"]["model"] == {"loaded": "by construction"}
    assert {"params_sha256", "data_sha256", "versions"} <= set(result["provenance"])
    entailment = json.loads((tmp_path / "a" / "entailment.json").read_text())
    assert entailment["provenance"]["task"]["pairs"]["entailed"] == 18


def test_metrics_can_be_taken_from_the_written_table(tmp_path, items, ideal, settings):
    evaluate(items, ideal, Run("ideal", "zeroshot", 0), settings, tmp_path)
    for task in all_tasks(settings):
        table = pd.read_parquet(tmp_path / f"{task.name}.parquet")
        metrics = json.loads((tmp_path / f"{task.name}.json").read_text())["metrics"]
        for name, values in task.values(table).items():
            if isinstance(values, np.ndarray) and name in metrics:
                assert np.nanmean(values) == pytest.approx(metrics[name]["value"]), name


def test_names_are_told_without_reading(settings):
    tasks = all_tasks(settings)
    assert [task.name for task in tasks] == task_names(settings)
    for task in tasks:
        assert isinstance(task, RadiusTask) == (task.name in RADIUS_TASKS)
