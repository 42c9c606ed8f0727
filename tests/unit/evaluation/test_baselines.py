"""What length, frequency and chance reach, and the sample that reports show."""

import json

import numpy as np
import pandas as pd
import pytest

from hierarcaps.evaluation.baselines import evaluate_baselines, random_embeddings, rarity
from hierarcaps.evaluation.examples import write_examples
from hierarcaps.evaluation.results import SUMMARY_COLUMNS, summarise
from hierarcaps.evaluation.tasks.names import baseline_tasks


def test_baselines_cover_length_and_chance(tmp_path, items, settings):
    evaluate_baselines(items, settings, tmp_path)
    paths = sorted(tmp_path.glob("*/baseline/seed0/*.json"))
    expected = [(name, task) for name, tasks in baseline_tasks(settings).items() for task in tasks]
    assert sorted((p.parents[2].name, p.stem) for p in paths) == sorted(expected)
    summary = summarise(paths)
    assert list(summary.columns) == SUMMARY_COLUMNS
    tau = summary[summary["metric"] == "tau_d"].set_index("model")["value"]
    assert tau["characters"] == 1  # every tier is longer than the one before
    assert tau["words"] == 1
    assert tau["random"] < 1
    assert tau["random_order"] < 1
    assert "precision" not in set(summary[summary["model"] == "words"]["metric"])
    assert "auroc_reversed_radius" in set(summary[summary["model"] == "words"]["metric"])
    assert "auroc_reversed" not in set(summary[summary["model"] == "words"]["metric"])


def test_rarity_is_that_of_the_rarest_word():
    radius = rarity(["A duck swims.", "a duck and a cat", "A dog"])
    assert radius("a") == pytest.approx(-np.log(4 / 4))
    assert radius("the duck") == radius("the") == pytest.approx(-np.log(1 / 4))  # unseen: rarest
    assert radius("A DUCK!") == pytest.approx(-np.log(3 / 4))
    assert radius("...") == 0


def test_the_frequency_baseline_counts_the_captions_it_is_given(tmp_path, items, settings):
    # A corpus that speaks of things most and of "here" least: its order is that of the tiers.
    corpus = ["thing"] * 50 + [f"kind {i}" for i in range(6)] * 4 + ["big kind"] * 3
    evaluate_baselines(items, settings, tmp_path / "given", corpus)
    evaluate_baselines(items, settings, tmp_path / "own")
    results = [
        json.loads((tmp_path / each / "frequency/baseline/seed0/ordering.json").read_text())
        for each in ("given", "own")
    ]
    tau = [result["metrics"]["tau_d"]["value"] for result in results]
    assert tau[0] == 1
    # No most specific caption says "thing": their words alone put it last.
    assert tau[1] < 0
    assert "captions given" in results[0]["provenance"]["model"]["baseline"]


def test_random_embeddings_depend_on_the_seed_alone(items):
    first, again, other = (random_embeddings(items, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.texts, again.texts)
    assert not np.array_equal(first.texts, other.texts)
    np.testing.assert_allclose(np.linalg.norm(first.images, axis=1), 1, rtol=1e-6)


def test_examples_are_chosen_by_seed(tmp_path, items):
    from PIL import Image

    store = {item.image: Image.new("RGB", (300, 100), "teal") for item in items}
    write_examples(items, store, {"examples": 3, "seed": 0}, tmp_path / "examples.parquet")
    table = pd.read_parquet(tmp_path / "examples.parquet")
    assert len(table) == 3
    assert set(table["item_id"]) <= {item.item_id for item in items}
    assert table["image"][0].startswith(b"\x89PNG")
