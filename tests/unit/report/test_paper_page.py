"""The page of published values: what it compares, and what it leaves alone."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from html_parts import soup
from snakemake.utils import update_config

from hierarcaps.evaluation.published import write_comparison
from hierarcaps.evaluation.results import POOLED_COLUMNS
from hierarcaps.report.paper import published_table
from hierarcaps.runtime.files import write_json
from hierarcaps.runtime.params import drop_nulls

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def published(study):
    return published_table.read_comparison(study.results.root / "published.csv")


def test_rows_without_weights_are_not_run_and_never_compared(study, published):
    page = soup(published_table.published_tables(published))
    assert len(published) == 51
    said = page.select("tbody td:last-child")
    assert len(said) == 21
    assert all("Not run: no " in cell.get_text() for cell in said)
    assert "ours 0" not in page.get_text()
    sentences = published_table.opening(study, published)
    assert sentences[0].startswith("Of 51 published values this run has a number of its own for 0,")
    assert "neither confirm nor contradict" in sentences[1]
    assert "precision +0.01 for CLIP-B, −0.01 for CLIP-L in the paper" in sentences[2]


def test_each_source_has_its_own_tables(published):
    titles = [
        caption.span.get_text()
        for caption in soup(published_table.published_tables(published)).select("caption")
    ]
    assert titles == [
        "HierarCaps test set (paper).",
        "HierarCaps test set, loss ablation (paper).",
        "HyperLex (paper).",
        "COCO retrieval (paper).",
        "HierarCaps test set (RCME).",
    ]


@pytest.fixture
def rows(tmp_path):
    """The paper's study with three numbers of CLIP-B."""
    summary = pd.DataFrame(
        [
            ("CLIP-B", "zeroshot", 0, "ordering", "tau_d", 0.8812, 0.875, 0.89, 1000),
            ("CLIP-B", "zeroshot", 0, "hyperlex", "spearman_all", 0.3, 0.28, 0.32, 2616),
        ],
        columns=["model", "objective", "seed", "task", "metric", "value", "low", "high", "n"],
    )
    summary.to_csv(tmp_path / "summary.csv", index=False)
    aligned = ("CLIP-B", "re", "", "ordering", "tau_d", 0.95, 0.94, 0.96, 1000, 1, 1, 0.94, 0.96)
    pooled = pd.DataFrame([aligned], columns=POOLED_COLUMNS)
    pooled.to_csv(tmp_path / "pooled.csv", index=False)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    update_config(params, yaml.safe_load((ROOT / "config" / "paper.yaml").read_text()))
    write_json(tmp_path / "run.json", {"params": drop_nulls(params)})
    write_comparison(tmp_path, ROOT / "config" / "paper_results.csv", tmp_path / "published.csv")
    return published_table.read_comparison(tmp_path / "published.csv")


def test_only_comparable_values_are_compared(study, rows):
    first, second, _ = published_table.opening(study, rows)
    assert "a number of its own for 5, and for 1 of them" in first
    assert second.startswith("1 of these 1 comparable values lie")
    assert "−0.009, in τ_d of CLIP-B zero-shot" in second
    figure = published_table.published_figure(rows).text
    assert "published 0.89, ours 0.881;" in figure
    assert "published 0.883, ours 0.881, not comparable" in figure


def _texts(row):
    return [" ".join(cell.get_text(" ").split()) for cell in row.find_all("td")]


def test_what_differs_stands_beside_a_value_in_words(rows):
    page = soup(published_table.published_tables(rows))
    table = page.find("table")
    zero_shot, aligned = table.select("tbody tr")[:2]
    cells = _texts(zero_shot)
    assert cells[2] == "0.89 ours 0.881 (−0.009) [0.875, 0.890]"
    assert "Comparable. Same: weights, training data, seeds, split, protocol." in cells[3]
    assert "precision, recall: Not run: not defined for this model." in cells[3]
    cells = _texts(aligned)
    assert cells[2] == "0.99 ours 0.950 [0.940, 0.960]"
    assert "Not comparable. Same: split, protocol. Differs: weights (ours: aligned" in cells[3]


def test_weights_under_another_name_are_said(rows):
    rows.loc[2, "run"] = "authors zeroshot"
    assert "Comparable (our authors zeroshot)." in published_table.published_tables(rows).text
