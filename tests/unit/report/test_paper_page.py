"""The page of published values: what it compares, and what it leaves alone."""

import re

import pandas as pd
import pytest

from hierarcaps.evaluation.published import OFFICIAL_TEST_SET, write_comparison
from hierarcaps.report.paper import published_table
from hierarcaps.runtime.files import write_json


@pytest.fixture(scope="module")
def published(study):
    return published_table.read_comparison(study.results.root / "published.csv")


def test_rows_without_weights_are_not_run_and_never_compared(study, published):
    page = published_table.published_tables(published).text
    assert page.count(">not run<") == len(published) == 20
    sentences = published_table.opening(study, published)
    assert sentences[0].startswith("0 of 20 published values")
    assert "neither confirm nor contradict" in sentences[1]
    assert "precision +0.01 for CLIP-B in the paper" in sentences[2]


def _compare(folder, official):
    summary = pd.DataFrame(
        [
            ("CLIP-B", "zeroshot", 0, "ordering", "tau_d", 0.8812, 0.875, 0.89, 1000),
            ("CLIP-B", "zeroshot", 0, "hyperlex", "spearman_all", 0.3, 0.28, 0.32, 2616),
        ],
        columns=["model", "objective", "seed", "task", "metric", "value", "low", "high", "n"],
    )
    summary.to_csv(folder / "summary.csv", index=False)
    source = published_table.__file__
    paper = re.sub(r"src/hierarcaps.*", "config/paper_results.csv", source)
    test_set = OFFICIAL_TEST_SET if official else "drawn scenes"
    write_json(folder / "run.json", {"test_set": {"source": test_set}})
    write_comparison(folder, paper, folder / "published.csv")
    return published_table.read_comparison(folder / "published.csv")


def test_the_papers_models_on_other_hierarchies_are_not_the_published_rows(study, tmp_path):
    rows = _compare(tmp_path, official=True)
    run = rows[rows["status"] == "run"]
    assert list(run["metric"]) == ["tau_d", "spearman_all"]
    sentence = published_table.opening(study, rows)[1]
    assert sentence.startswith("1 of these 2 published values lie")
    assert "−0.140, in Spearman's ρ of CLIP-B zero-shot" in sentence
    assert "ours 0.300" in published_table.published_figure(rows).text
    others = _compare(tmp_path, official=False)
    assert list(others[others["status"] == "run"]["task"]) == ["hyperlex"]
