"""Differences between runs, and our numbers beside the published ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from hierarcaps.evaluation.baselines import random_embeddings
from hierarcaps.evaluation.differences import COLUMNS, write_differences
from hierarcaps.evaluation.published import (
    OFFICIAL_TEST_SET,
    compare_with_published,
    published_comparison,
    read_published,
    write_comparison,
)
from hierarcaps.evaluation.results import Run, summarise
from hierarcaps.evaluation.tasks.names import task_names
from hierarcaps.evaluation.tasks.registry import evaluate
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json

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


# All that is quoted of the paper: (model, objective, metric) -> value.
QUOTED = {
    ("CLIP-B", "zeroshot", "precision"): 0.14,
    ("CLIP-B", "zeroshot", "recall"): 0.36,
    ("CLIP-B", "zeroshot", "tau_d"): 0.89,
    ("CLIP-B", "re", "precision"): 0.15,
    ("CLIP-B", "re", "recall"): 0.47,
    ("CLIP-B", "re", "tau_d"): 0.99,
    ("CLIP-L", "zeroshot", "recall"): 0.37,
    ("CLIP-L", "zeroshot", "tau_d"): 0.88,
    ("CLIP-L", "re", "recall"): 0.44,
    ("CLIP-L", "re", "tau_d"): 0.97,
    ("MERU", "zeroshot", "precision"): 0.11,
    ("MERU", "zeroshot", "recall"): 0.11,
    ("MERU", "zeroshot", "tau_d"): 0.79,
    ("CLIP-B", "ec", "recall"): 0.30,
    ("CLIP-B", "zeroshot", "spearman_all"): 0.44,
    ("CLIP-B", "re", "spearman_all"): 0.51,
    ("CLIP-B", "zeroshot", "text_to_image_r1"): 0.30,
    ("CLIP-B", "re", "text_to_image_r1"): 0.31,
    ("CLIP-L", "zeroshot", "text_to_image_r1"): 0.36,
    ("CLIP-L", "re", "text_to_image_r1"): 0.36,
}


def test_published_values_are_whole():
    table = read_published(PUBLISHED)
    assert (table["source"].str.len() > 10).all()
    assert (table["table"].str.len() > 5).all()
    assert table.set_index(["model", "objective", "metric"])["value"].to_dict() == QUOTED


def test_the_papers_study_measures_every_published_value():
    """Each value's model, objective and task are planned by ``config/paper.yaml``.

    MERU's checkpoint has no address that the overlay could name.
    """
    params = yaml.safe_load((PUBLISHED.parents[1] / "params.yaml").read_text())
    paper = yaml.safe_load((PUBLISHED.parent / "paper.yaml").read_text())
    tasks = task_names(paper["evaluation"] | {"drawn_world": {}})
    objectives = {"zeroshot", *params["alignment"]["objectives"]}
    for row in read_published(PUBLISHED).itertuples():
        assert row.task in tasks, row
        assert row.objective in objectives, row
        assert row.model in {*paper["models"], "MERU"}, row
        assert row.objective == "zeroshot" or row.model in paper["alignment"]["models"], row


def _summary() -> pd.DataFrame:
    key = {"model": "CLIP-B", "objective": "zeroshot"}
    rows = [("ordering", "tau_d", seed, value) for seed, value in ((0, 0.88), (1, 0.90))]
    rows.append(("hyperlex", "spearman_all", 0, 0.40))
    return pd.DataFrame(
        [
            {**key, "task": task, "metric": metric, "seed": seed, "value": value,
             "low": value - 0.01, "high": value + 0.01, "n": 9}
            for task, metric, seed, value in rows
        ]
    )  # fmt: skip


def test_ours_beside_published_and_not_run():
    published = read_published(PUBLISHED)
    table = compare_with_published(_summary(), published).set_index("status")
    assert len(table.loc["not run"]) == len(published) - 2
    assert table.loc["not run", ["ours", "difference"]].isna().all().all()
    assert (table.loc["not run", "seeds"] == 0).all()
    run = table.loc["run"].set_index("metric")
    row = run.loc["tau_d"]
    assert (row["ours"], row["seeds"]) == (pytest.approx(0.89), 2)
    assert (row["low"], row["high"]) == (pytest.approx(0.87), pytest.approx(0.91))
    assert np.isclose(row["difference"], 0)
    assert np.isclose(run.loc["spearman_all", "difference"], -0.04)


@pytest.mark.parametrize(
    ("source", "compared"),
    [(OFFICIAL_TEST_SET, ["tau_d", "spearman_all"]), ("drawn scenes", ["spearman_all"])],
)
def test_another_test_set_is_not_compared(tmp_path, source, compared):
    _summary().to_csv(tmp_path / "summary.csv", index=False)
    write_json(tmp_path / "run.json", {"test_set": {"source": source}})
    write_comparison(tmp_path, PUBLISHED, tmp_path / "comparison.csv")
    table = pd.read_csv(tmp_path / "comparison.csv")
    assert list(table.loc[table["status"] == "run", "metric"]) == compared
    (tmp_path / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json: no such file"):
        published_comparison(tmp_path, PUBLISHED)


@pytest.mark.parametrize("overlay", ["paper.yaml", "official.yaml"])
def test_the_official_test_set_is_known_by_its_name(overlay):
    params = yaml.safe_load((PUBLISHED.parent / overlay).read_text())
    assert params["test_set"]["name"] == OFFICIAL_TEST_SET


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
