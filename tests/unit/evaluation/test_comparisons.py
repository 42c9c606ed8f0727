"""Differences between runs, and our numbers beside the published ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hierarcaps.errors import InputError
from hierarcaps.evaluation.baselines import random_embeddings
from hierarcaps.evaluation.differences import COLUMNS, write_differences
from hierarcaps.evaluation.published import (
    compare_with_published,
    read_published,
    write_comparison,
)
from hierarcaps.evaluation.results import Run, summarise
from hierarcaps.evaluation.tasks import evaluate

PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "paper_results.csv"


@pytest.fixture
def runs(tmp_path, items, ideal, settings) -> list[Run]:
    """A model that is random before alignment and ideal after, with another that is never."""
    runs = [Run("m", "zeroshot", 0), Run("m", "re", 0), Run("other", "zeroshot", 0)]
    random = random_embeddings(items, 0)
    for run, embeddings in zip(runs, (random, ideal, random), strict=True):
        evaluate(items, embeddings, run, settings, run.folder(tmp_path))
    return runs


def test_differences_are_those_of_the_summary(tmp_path, runs, settings):
    write_differences(runs, tmp_path, settings, tmp_path / "differences.csv")
    table = pd.read_csv(tmp_path / "differences.csv")
    assert list(table.columns) == COLUMNS
    assert set(table["model"]) == {"m"}
    assert set(table["reference"]) == {"zeroshot"}
    summary = summarise(tmp_path.glob("m/*/seed0/*.json"))
    value = summary.set_index(["objective", "task", "metric"])["value"]
    for row in table.itertuples():
        if row.metric != "tau_d_length_controlled":  # paired over other items than either run
            expected = value["re", row.task, row.metric] - value["zeroshot", row.task, row.metric]
            assert row.difference == pytest.approx(expected), row.metric
            assert row.low <= row.difference + 1e-12
            assert row.difference <= row.high + 1e-12
    precision = table[table["metric"] == "precision"].set_index("task")
    assert precision.loc["hierarchical_retrieval", "low"] > 0
    assert "auroc_reversed" in set(table["metric"])


def test_pairing_is_narrower_than_two_intervals(tmp_path, items, ideal, settings):
    """A model against itself: the difference is exactly nothing."""
    runs = [Run("m", objective, 0) for objective in ("zeroshot", "re", "ec")]
    for run in runs:
        evaluate(items, random_embeddings(items, 3), run, settings, run.folder(tmp_path))
    write_differences(runs, tmp_path, settings, tmp_path / "differences.csv")
    table = pd.read_csv(tmp_path / "differences.csv")
    assert {*zip(table["objective"], table["reference"], strict=True)} == {
        ("re", "zeroshot"), ("ec", "zeroshot"), ("re", "ec"),
    }  # fmt: skip
    assert (table[["difference", "low", "high"]] == 0).all(axis=None)


def test_runs_on_other_items_are_not_compared(tmp_path, runs, items, ideal, settings):
    evaluate(items[::-1], ideal, runs[1], settings, runs[1].folder(tmp_path))
    with pytest.raises(InputError, match=r"not about the same rows \(item_id\)"):
        write_differences(runs, tmp_path, settings, tmp_path / "differences.csv")
    (runs[1].folder(tmp_path) / "ordering.parquet").unlink()
    with pytest.raises(InputError):
        write_differences(runs, tmp_path, settings, tmp_path / "differences.csv")
    assert not (tmp_path / "differences.csv").exists()


def test_published_values_are_whole():
    table = read_published(PUBLISHED)
    assert table["value"].between(-1, 1).all()
    assert (table["source"].str.len() > 10).all()
    tau = table[table["metric"] == "tau_d"].set_index(["model", "objective"])["value"]
    assert tau["CLIP-B", "zeroshot"] == 0.89
    assert tau["CLIP-B", "re"] == 0.99
    assert tau["MERU", "zeroshot"] == 0.79


def test_ours_beside_published_and_not_run(tmp_path):
    key = {"model": "CLIP-B", "objective": "zeroshot", "task": "ordering", "metric": "tau_d"}
    summary = pd.DataFrame(
        [
            {**key, "seed": seed, "value": value, "low": value - 0.01, "high": value + 0.01, "n": 9}
            for seed, value in ((0, 0.88), (1, 0.90))
        ]
    )
    table = compare_with_published(summary, read_published(PUBLISHED)).set_index("status")
    assert len(table.loc["not run"]) == len(read_published(PUBLISHED)) - 1
    assert table.loc["not run", "ours"].isna().all()
    row = table.loc["run"]
    assert (row["ours"], row["seeds"]) == (pytest.approx(0.89), 2)
    assert (row["low"], row["high"]) == (pytest.approx(0.87), pytest.approx(0.91))
    assert np.isclose(row["difference"], 0)
    summary.to_csv(tmp_path / "summary.csv", index=False)
    write_comparison(tmp_path / "summary.csv", PUBLISHED, tmp_path / "comparison.csv")
    assert (pd.read_csv(tmp_path / "comparison.csv")["status"] == "run").sum() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,value\na,1\n", "no column 'objective'"),
        ("model,objective,task,metric,value,table,source\na,re,t,m,high,x,y\n", "row 1: .*'high'"),
        ("model,objective,task,metric,value,table,source\n" + "a,re,t,m,1,x,y\n" * 2, "twice"),
        ("", "not a readable table"),
    ],
)
def test_bad_published_values_are_named(tmp_path, text, message):
    (tmp_path / "published.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_published(tmp_path / "published.csv")
