"""The page of images and what is retrieved for them: its counts and its choices."""

import numpy as np
import pandas as pd
import pytest

from hierarcaps.report.qualitative import page as qualitative
from hierarcaps.report.qualitative.retrieved import (
    compared_runs,
    most_changed,
    retrieved,
    transitions,
    worst,
)
from hierarcaps.report.study import Run


def test_runs_are_compared_within_a_model(study, results):
    groups = compared_runs(study.results)
    assert [[run.objective for run in group] for group in groups] == [["zeroshot", "re", "ec"]] * 2
    assert [run.model for run in compared_runs(results)[0]] == ["rn-24", "rn-16", "vit-8"]
    assert len(qualitative.opening(results)) == 3


def test_counts_of_change_add_up(study):
    before, after = (retrieved(study.results, run) for run in compared_runs(study.results)[0][:2])
    counts = transitions(before, after)
    assert counts.sum() == len(before.table) == 12
    assert np.triu(counts, 1).sum() == (after.found > before.found).sum()
    sentence = qualitative.opening(study.results)[0]
    assert f"for {np.triu(counts, 1).sum()} of 12 images" in sentence
    assert before.found.sum() / 4 / 12 == pytest.approx(before.table["recall"].mean())


def test_examples_are_chosen_by_the_rule_that_is_stated(study):
    before, after = (retrieved(study.results, run) for run in compared_runs(study.results)[0][:2])
    shown = list(before.table.index[:9])
    change = pd.Series(after.found - before.found, index=before.table.index)[shown]
    chosen = most_changed(before, after, shown)
    assert change[chosen[0][0]] == change.max()
    assert change[chosen[-1][0]] == change.min()
    assert [why for _, why in chosen] == ["gains most"] * 2 + ["median"] * 2 + ["loses most"] * 2
    found = pd.Series(after.found, index=after.table.index)[shown]
    assert found[worst(after, shown)].max() <= found.drop(worst(after, shown)).min()


def test_the_most_frequent_intruder_is_never_gold(study):
    run = retrieved(study.results, Run("rn-24", "zeroshot", 0))
    text, times = run.intruder
    rows = [
        text in list(found) and text not in list(gold)
        for found, gold in zip(run.table["retrieved"], run.table["gold"], strict=True)
    ]
    assert sum(rows) == times > 0
