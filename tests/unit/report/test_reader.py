"""Qualitative, paper, variants and index: what they say, and how figures become files."""

import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from synthetic_alignment import write_alignment
from synthetic_results import write_results

from hierarcaps.evaluation.published import OFFICIAL_TEST_SET, write_comparison
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.report.alignment import tables as alignment_tables
from hierarcaps.report.alignment import variants
from hierarcaps.report.changes import Alignment
from hierarcaps.report.extract import write_pieces
from hierarcaps.report.index.durations import clock, read_durations
from hierarcaps.report.index.page import write_index
from hierarcaps.report.markup import Panel, figure, table
from hierarcaps.report.paper import published_table
from hierarcaps.report.qualitative import page as qualitative
from hierarcaps.report.qualitative.retrieved import (
    compared_runs,
    most_changed,
    retrieved,
    transitions,
    worst,
)
from hierarcaps.report.study import Results, Run
from hierarcaps.report.zero_shot import plane
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    given = write_alignment(tmp_path_factory.mktemp("study"))
    return Alignment(Results(given["results"], given["models"]), given["curves"])


@pytest.fixture(scope="module")
def published(study):
    return published_table.read_comparison(study.results.root / "published.csv")


def test_runs_are_compared_within_a_model(study, tmp_path):
    groups = compared_runs(study.results)
    assert [[run.objective for run in group] for group in groups] == [["zeroshot", "re", "ec"]] * 2
    plain = Results(tmp_path, write_results(tmp_path, n=6))
    assert [run.model for run in compared_runs(plain)[0]] == ["rn-24", "rn-16", "vit-8"]
    assert len(qualitative.opening(plain)) == 3


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


def test_variants_are_shown_where_they_were_run(study, tmp_path):
    absent = variants.variants(tmp_path, "Title", "make ablations").text
    assert absent.count("<p") == 1
    assert "make ablations" in absent
    shown = BeautifulSoup(
        variants.variants(study.results.root, "Title", "make ablations").text, "html.parser"
    )
    labels = [" ".join(cell.get_text().split()) for cell in shown.select("tbody th")]
    assert "rn-24 RE" in labels
    assert not any("untrained" in label or "words" in label for label in labels)


def test_retention_is_a_share_of_the_value_before(study):
    page = BeautifulSoup(alignment_tables.retention_table(study).text, "html.parser")
    before = study.pooled("rn-24", "zeroshot", ("retrieval", "image_to_text_r1"))
    change = study.pooled_difference(("re", "zeroshot"), ("retrieval", "image_to_text_r1"), "rn-24")
    expected = f"{100 * (1 + change.value / before.value):.1f}%"
    assert page.select_one("tbody td").get_text().startswith(expected)


def test_the_radial_view_keeps_distances_from_the_root(study):
    run = Run("rn-24", "zeroshot", 0)
    embeddings = read_embeddings(run.folder(study.results.root) / "embeddings.safetensors")
    gold = [list(tiers) for tiers in study.results.examples["gold"]]
    tiers, images = plane.radial_points(embeddings, gold, list(embeddings.names))
    rows = embeddings.text_rows([text for item in gold for text in item])
    radii = np.linalg.norm(embeddings.texts[rows] - embeddings.root, axis=1).reshape(-1, 4)
    assert np.linalg.norm(tiers, axis=2) == pytest.approx(radii, abs=1e-6)
    away = np.linalg.norm(embeddings.images - embeddings.root, axis=1)
    assert np.linalg.norm(images, axis=1) == pytest.approx(away, abs=1e-6)
    assert plane.on_sphere(embeddings)


def test_pieces_are_files_and_equal_notebooks_equal_bytes(tmp_path):
    svg = Panel(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "nothing")
    html = figure([svg, svg], "n = 1").text + table("A title & more.", "", ["a"], [["1"]]).text
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("## A <section>"),
            nbformat.v4.new_code_cell(
                "", outputs=[nbformat.v4.new_output("display_data", {"text/html": html})]
            ),
        ]
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "stale.html").touch()
    names = write_pieces(notebook, tmp_path / "a")
    assert names == [
        "figure-01-a-section-1.svg",
        "figure-01-a-section-2.svg",
        "figure-01-a-section.html",
        "table-02-a-title-more.html",
    ]
    assert (tmp_path / "a" / names[0]).read_bytes() == svg.content
    write_pieces(notebook, tmp_path / "b")
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "<h1>A &lt;section&gt;</h1>" in (tmp_path / "a" / names[2]).read_text()


def test_durations_are_added_up_per_rule(tmp_path):
    (tmp_path / "align").mkdir()
    for name, seconds, memory in (("a", "3601.4", "10.5"), ("b", "60", "-")):
        text = f"s\th:m:s\tmax_rss\n{seconds}\t1:00:01\t{memory}\n"
        (tmp_path / "align" / f"{name}.tsv").write_text(text)
    (tmp_path / "summarise.tsv").write_text("s\tmax_rss\n2.5\tNA\n")
    first, second = read_durations(tmp_path)
    assert first == ("align", 2, 3661.4, 10.5)
    assert second == ("summarise", 1, 2.5, 0.0)
    assert clock(first.seconds) == "1:01:01"
    assert read_durations(tmp_path / "absent") == []


def test_the_index_links_what_is_there_and_escapes(study, tmp_path):
    root = study.results.root
    (root / "reports").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A <title>")])
    nbformat.write(notebook, root / "reports" / "one.ipynb")
    (root / "reports" / "one.html").touch()
    for name in ("a.html", "b.html"):
        write_index(root / name, study.results, ["one"], {"summary.csv": "numbers <all>"})
    assert (root / "a.html").read_bytes() == (root / "b.html").read_bytes()
    page = BeautifulSoup((root / "a.html").read_text(), "html.parser")
    assert [link["href"] for link in page.select("main a")] == [
        "explorer/index.html", "reports/one.html", "summary.csv",
    ]  # fmt: skip
    assert "A <title>" in page.get_text()
    labels = [" ".join(cell.get_text().split()) for cell in page.select("table tbody th")]
    assert "rn-24 + RE" in labels
    assert "length in words no model" in labels
    with pytest.raises(InputError, match=r"missing\.csv, which is missing"):
        write_index(root / "c.html", study.results, [], {"missing.csv": ""})
    assert not (root / "c.html").exists()
