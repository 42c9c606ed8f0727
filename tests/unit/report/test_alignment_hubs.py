"""Hubs on the page of alignment: what is said follows from the paired differences."""

from pathlib import Path

import pandas as pd
import pytest
from html_parts import soup
from synthetic_alignment import MODELS, write_alignment

from hierarcaps.report.alignment.hubs import explanation, hub_table
from hierarcaps.report.changes import Alignment
from hierarcaps.report.study import Results


def _study(folder: Path, without_hubs: tuple[float, float, float] | None) -> Alignment:
    """RE raises precision by .03; without the worst hubs by the value and interval given."""
    parameters = write_alignment(folder)
    path = Path(parameters["results"], "pooled.csv")
    table = pd.read_csv(path)
    rows = table[(table["task"] == "hierarchical_retrieval") & (table["metric"] == "precision")]
    hubs = rows.assign(task="hubness", metric="precision_without_worst")
    if without_hubs is not None:
        changed = hubs["reference"].notna()
        hubs.loc[changed, ["value", "low", "high"]] = without_hubs
        pd.concat([table, hubs]).to_csv(path, index=False)
    return Alignment(Results(parameters["results"], MODELS))


@pytest.mark.parametrize(
    ("without_hubs", "said"),
    [
        ((0.02, 0.01, 0.03), "hubs alone do not explain it"),
        ((0.002, -0.002, 0.006), "without hubs it is not shown"),
        ((-0.02, -0.03, -0.01), "without hubs it is not shown"),
    ],
)
def test_hubs_explain_what_is_gone_without_them(tmp_path, without_hubs, said):
    text = explanation(_study(tmp_path, without_hubs))
    assert text.count(said) == 2, text  # a part for each aligned model
    assert "+0.03" in text


@pytest.mark.parametrize(
    ("without_hubs", "said"),
    [
        ((0.0, -0.01, 0.01), "none is shown either way"),
        ((0.02, 0.01, 0.03), "it is shown only without hubs"),
    ],
)
def test_no_change_is_explained_by_nothing(tmp_path, without_hubs, said):
    study = _study(tmp_path, without_hubs)
    path = study.results.root / "pooled.csv"
    table = pd.read_csv(path)
    precision = (table["task"] == "hierarchical_retrieval") & table["reference"].notna()
    table.loc[precision, ["value", "low", "high"]] = (0.001, -0.01, 0.012)
    table.to_csv(path, index=False)
    again = Alignment(Results(study.results.root, MODELS))
    assert explanation(again).count(said) == 2


def test_a_row_for_each_aligned_run_that_was_measured(tmp_path):
    table = soup(hub_table(_study(tmp_path, (0.02, 0.01, 0.03))))
    assert len(table.select("tbody tr")) == 4
    assert "without the ten worst" in table.thead.text


def test_hubs_that_were_not_measured_are_not_shown(tmp_path):
    study = _study(tmp_path, None)
    assert "not measured" in explanation(study)
    assert "not measured" in soup(hub_table(study)).text
