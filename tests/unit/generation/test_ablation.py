"""H with and without augmentation: what is compared, and that it is compared fairly."""

import numpy as np
import pandas as pd
import pytest
from test_filter_and_recombine import GOOD, SEEDS, THRESHOLDS, LogicNLI

from hierarcaps.generation import ablation
from hierarcaps.generation.ablation import WITH, WITHOUT, compare_lessons
from hierarcaps.generation.oracle import positive_faults
from hierarcaps.generation.recombination import fill_up
from hierarcaps.generation.shards import make_table

SETTINGS = {"steps": 150, "seed": 0}


def is_right(tiers):
    return not any(positive_faults(tiers))


def test_both_are_taught_alike_and_measured_on_the_same_captions(monkeypatch):
    """A stand-in for H knows a caption if its lesson had it, and repeats what it was taught."""
    taught = []

    def write(captions, model, nli, thresholds, settings):
        known = {chain[-1]: chain for chain in taught[-1][0]}
        rows = [
            {"caption": text, "tiers": known.get(text), "reason": None if text in known else "x"}
            for text in captions["caption"]
        ]
        return make_table(rows)

    monkeypatch.setattr(
        ablation,
        "train_hierarchy_model",
        lambda tiers, settings, *files: taught.append((tiers, settings)),
    )
    monkeypatch.setattr(ablation, "HierarchyModel", lambda *arguments, **options: None)
    monkeypatch.setattr(ablation, "write_positives", write)
    wrong = ("a vehicle", *GOOD[1:3], "a red duck in the snow")
    captions = pd.DataFrame({"caption": [GOOD[3], SEEDS[1][3], wrong[3]], "image": ["a", "b", "c"]})
    lessons = {WITH: [GOOD, SEEDS[1], wrong], WITHOUT: [SEEDS[1]]}
    result = compare_lessons(lessons, captions, SETTINGS, None, THRESHOLDS, is_right)
    assert [settings for _, settings in taught] == [SETTINGS, SETTINGS]
    assert result["taught"] == {"with": 3, "without": 1}
    assert result["passed"]["with"]["value"] == 1.0
    assert result["right"]["with"]["value"] == pytest.approx(2 / 3)
    assert result["right"]["without"]["value"] == pytest.approx(1 / 3)
    assert result["right"]["difference"]["value"] == pytest.approx(1 / 3)


def test_differences_are_paired_and_images_are_the_units(monkeypatch):
    made = {
        "a": {"passed": np.array([1, 1, 0, 1], bool), "right": np.array([1, 1, 0, 0], bool)},
        "b": {"passed": np.array([1, 0, 0, 1], bool), "right": np.array([1, 0, 0, 0], bool)},
    }
    monkeypatch.setattr(ablation, "_scores", lambda chains, *others: made[chains[0]])
    captions = pd.DataFrame({"caption": list("wxyz"), "image": ["1", "1", "2", "3"]})
    result = compare_lessons(
        {WITH: ["a"], WITHOUT: ["b"]}, captions, SETTINGS, None, THRESHOLDS, is_right
    )
    assert result["passed"]["with"]["value"] == 0.75
    assert result["passed"]["difference"]["value"] == 0.25
    assert result["passed"]["difference"]["n"] == 3
    # Nobody resampled can be worse with than without where no caption is.
    assert result["right"]["difference"]["low"] >= 0


def test_without_an_oracle_nothing_is_called_right(monkeypatch):
    made = {"passed": np.array([True])}
    monkeypatch.setattr(ablation, "_scores", lambda *arguments: made)
    captions = pd.DataFrame({"caption": ["x"], "image": ["1"]})
    lessons = {WITH: SEEDS, WITHOUT: SEEDS}
    result = compare_lessons(lessons, captions, SETTINGS, None, THRESHOLDS)
    assert "right" not in result
    assert compare_lessons(lessons, captions[:0], SETTINGS, None, THRESHOLDS) == {}


@pytest.mark.parametrize("size", [0, 3])
def test_lessons_that_are_large_enough_are_not_filled_up(size):
    assert fill_up(SEEDS, [], size, 0, LogicNLI(), THRESHOLDS).empty
