"""The report on alignment: differences in either direction, and true geometry."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from html_parts import drawings, soup
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_alignment import MODELS, write_alignment

from hierarcaps.report.alignment import figures as alignment_figures
from hierarcaps.report.alignment import geometry, variants
from hierarcaps.report.alignment import tables as alignment_tables
from hierarcaps.report.alignment.findings import directions, finding, opening
from hierarcaps.report.changes import Alignment
from hierarcaps.report.study import PRECISION, Estimate, Results, Run
from hierarcaps.runtime.errors import InputError

FIGURES = {
    alignment_figures.difference_figure: 6,
    alignment_figures.loss_figure: 5,
    alignment_figures.radius_figure: 4,
    alignment_figures.angle_figure: 3,
    alignment_figures.outcome_figure: 4,
    geometry.geometry_figure: 7,  # with the item's picture
}


def test_the_opening_reports_changes_in_both_directions(study):
    re, ec, between = opening(study)
    scope = "2 models, means over 2 orders of the training items, n = 12 items"
    assert f"RE changes, against zero-shot ({scope})" in re
    # Orders 0 and 1 differ by .030 and .031; their mean has one interval, half a width of .01.
    assert "precision +0.030 (up in 2, down in 0 of 2 models)" in re or "+0.031 (up in 2" in re
    assert "R@1, image to text −0.020 (up in 0, down in 2 of 2 models)" in re or "−0.019 (up" in re
    assert "recall 0.000 (up in 0, down in 0 of 2 models)" in re or "recall +0.001 (up in 0" in re
    assert "τ_d +0.05" in ec
    assert "up in 2, down in 0" in ec
    assert "RE minus EC" in between
    assert "up in 2" not in between
    plain = finding(study)
    assert "precision rises in all 2 models, recall moves in none of 2 models" in plain
    assert "R@1, image to text falls in all 2 models" in plain


def test_a_difference_of_which_there_is_none_is_said_so(tmp_path):
    parameters = write_alignment(tmp_path)
    for name in ("differences.csv", "pooled.csv"):
        path = Path(parameters["results"], name)
        table = pd.read_csv(path)
        table[table["objective"] == "ec"].to_csv(path, index=False)
    study = Alignment(Results(parameters["results"], MODELS))
    assert opening(study)[0] == "RE was not compared with zero-shot in this run."
    assert "EC changes" in opening(study)[1]


def test_directions_need_an_interval_off_zero():
    kinds = [
        Estimate(1, 0.5, 2, 9),
        Estimate(1, 0, 2, 9),
        Estimate(-1, -2, -0.1, 9),
        Estimate(1e-19, 5e-20, 1e-18, 9),
    ]
    assert directions(kinds) == (1, 1)


def test_only_listed_runs_are_compared(aligned):
    results = Results(aligned["results"], [MODELS[0], ["rn-24", "re", [1]]])
    study = Alignment(results)
    assert [run for run, _ in study.differences(("re", "zeroshot"), PRECISION)] == [
        Run("rn-24", "re", 1)
    ]
    assert study.differences(("ec", "zeroshot"), PRECISION) == []


def test_a_pooled_table_of_other_orders_is_refused(aligned):
    study = Alignment(Results(aligned["results"], [MODELS[0], ["rn-24", "re", [1]]]))
    with pytest.raises(InputError, match=r"about 2 runs of rn-24 re.* was asked to show 1"):
        study.pooled("rn-24", "re", PRECISION)


def test_missing_files_are_named(aligned, tmp_path):
    results = Results(aligned["results"], MODELS)
    study = Alignment(results, [["rn-24", "re", 0, str(tmp_path / "curve.csv")]])
    with pytest.raises(InputError, match=r"curve\.csv not found"):
        _ = study.curves
    (tmp_path / "curve.csv").write_text("step,loss\n0,1\n")
    with pytest.raises(InputError, match="lacks the columns split, total"):
        _ = study.curves
    results.root = tmp_path
    with pytest.raises(InputError, match=r"differences\.csv not found"):
        Alignment(results)


def test_tables_show_before_after_and_what_excludes_zero(study):
    rows = soup(alignment_tables.before_after_table(study)).select("tbody tr")
    assert [row.th.get_text() for row in rows[:3]] == [
        "rn-24 zero-shot", "rn-24 RE", "rn-24 EC",
    ]  # fmt: skip
    assert [row.td.get_text() for row in rows[:3]] == ["1", "2", "2"]
    rows = soup(alignment_tables.difference_table(study)).select("tbody tr")
    assert len(rows) == 6
    bold = [[bool(td.b) for td in row.find_all("td")[1:]] for row in rows[:3]]
    assert bold == [
        [True, False, False, False, True, False],
        [False, False, True, False, False, False],
        [False] * 6,
    ]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_figures_are_reproducible_and_described(study, draw):
    html = draw(study)
    assert html == draw(study)
    images = soup(html).find_all("img")
    assert len(images) == FIGURES[draw]
    assert all(len(image["alt"]) > 20 for image in images)
    for drawing in drawings(html):
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
    for caption in soup(html).find_all("figcaption"):
        assert "n = " in caption.get_text()
        assert "interval" in caption.get_text()
        assert "orders of the training items" in caption.get_text()


def test_replicates_have_their_own_words_and_both_intervals(aligned, tmp_path):
    """As if rn-24 had been pre-trained twice: what is said follows from the table's trainings."""
    shutil.copytree(aligned["results"], tmp_path / "results")
    results = tmp_path / "results"
    summary = pd.read_csv(results / "summary.csv")
    again = summary[(summary["model"] == "rn-24") & (summary["objective"] == "zeroshot")]
    pd.concat([summary, again.assign(seed=1)]).to_csv(results / "summary.csv", index=False)
    pooled = pd.read_csv(results / "pooled.csv")
    own = pooled["model"] == "rn-24"
    before = pooled[own & (pooled["objective"] == "re") & pooled["reference"].isna()]
    pooled.loc[own, "trainings"] = 2
    pooled.loc[own, "low"] = pooled["value"] - 0.04
    pooled.loc[own, "high"] = pooled["value"] + 0.04
    before = before.assign(objective="zeroshot", trainings=2)
    pd.concat([before, pooled]).to_csv(results / "pooled.csv", index=False)
    models = [["rn-24", "zeroshot", [0, 1]], *MODELS[1:]]
    study = Alignment(Results(results, models))
    assert study.replications == "2 trainings and 2 orders of the training items"
    assert study.varied.startswith("trainings and items (of models of one training")
    # RE's change of precision, +.03, is shown for items alone, and not for other trainings.
    assert "precision rises in 1 of 2 models" in finding(study)
    cell = soup(alignment_tables.difference_table(study)).select("tbody tr td")[1]
    assert not cell.b
    assert re.search(r"\[−0\.0\d+, \+0\.07\d\]items \[\+0\.02\d, ", cell.get_text())
    assert study.results.pooled("rn-24", "zeroshot", PRECISION).trainings == 2
    (first, mean), *_ = study.results.before_alignment(*PRECISION)
    assert (first.seed, mean.runs) == (0, 2)


def test_curves_end_where_the_first_order_ends(study):
    values = alignment_figures._per_step(study, "rn-24", "re", "triplet")
    assert list(values.index) == [0, 25, 50]
    assert values["mean"].iloc[-1] == pytest.approx(-1.005)
    assert values["low"].iloc[-1] == pytest.approx(-1.01)


def test_variants_are_shown_where_they_were_run(study, tmp_path):
    absent = variants.variants(tmp_path, "Title", "make ablations").text
    assert absent.count("<p") == 1
    assert "make ablations" in absent
    shown = soup(variants.variants(study.results.root, "Title", "make ablations"))
    labels = [" ".join(cell.get_text().split()) for cell in shown.select("tbody th")]
    assert "rn-24 RE" in labels
    assert not any("untrained" in label or "words" in label for label in labels)


def test_variants_need_no_differences(study, tmp_path):
    for name in ("summary.csv", "pooled.csv"):
        table = pd.read_csv(study.results.root / name)
        kept = table[table["reference"].isna()] if name == "pooled.csv" else table
        kept.to_csv(tmp_path / name, index=False)
    found = variants.read_variants(tmp_path)
    assert found == variants.read_variants(study.results.root)
    assert list(found)[:3] == [("rn-24", "zeroshot"), ("rn-24", "re"), ("rn-24", "ec")]
    assert found["rn-24", "re"][PRECISION].runs == 2


def test_retention_is_a_share_of_the_value_before(study):
    page = soup(alignment_tables.retention_table(study))
    before = study.pooled("rn-24", "zeroshot", ("retrieval", "image_to_text_r1"))
    change = study.pooled_difference(("re", "zeroshot"), ("retrieval", "image_to_text_r1"), "rn-24")
    expected = f"{100 * (1 + change.value / before.value):.1f}%"
    assert page.select_one("tbody td").get_text().startswith(expected)


vectors = st.lists(st.floats(-2, 2), min_size=5, max_size=5).map(np.array)


@given(vectors, vectors, vectors)
@settings(deadline=None, max_examples=100)
def test_the_plane_keeps_radius_angle_and_triangle(text, root, axis_end):
    outward = axis_end - root
    if np.linalg.norm(outward) < 1e-3 or np.linalg.norm(text - root) < 1e-3:
        return
    point, end = geometry.plane(np.array([text, axis_end]), root, outward, text - root)
    assert np.linalg.norm(point) == pytest.approx(np.linalg.norm(text - root), abs=1e-9)
    assert end == pytest.approx([np.linalg.norm(outward), 0], abs=1e-6)
    # The third side of the triangle of root, text and axis is true as well.
    assert np.linalg.norm(point - end) == pytest.approx(np.linalg.norm(text - axis_end), abs=1e-6)


def test_drawn_angles_are_the_evaluations(study):
    runs = geometry.chosen_runs(study)
    assert [run.objective for run in runs] == ["zeroshot", "re", "ec"]
    triplet, size = geometry.choose_triplet(study.results, runs[0], runs[1])
    assert size == 36
    for run in runs:
        view = geometry.view(study.results, run, triplet)
        table = study.results.items(run, "entailment").set_index(["item_id", "tier", "kind"])
        for kind, angle in zip(("entailed", "other"), view.angles, strict=True):
            row = table.loc[(triplet.item_id, triplet.tier, kind)]
            assert angle == pytest.approx(np.degrees(row["angle"]), abs=1e-4)
        assert view.triangle[0, 1] == pytest.approx(0, abs=1e-9)
        assert view.triangle[1, 1] >= 0 >= view.triangle[2, 1]
        assert view.tiers.shape == (4, 2)


def test_the_triplet_of_the_median_change_is_chosen(study):
    before, after, _ = geometry.chosen_runs(study)
    triplet, size = geometry.choose_triplet(study.results, before, after)
    first = geometry.triplets(study.results, before)
    second = geometry.triplets(study.results, after)
    changes = second["margin"] - first["margin"]
    here = (first["item_id"] == triplet.item_id) & (first["tier"] == triplet.tier)
    change = changes[here].iloc[0]
    # Items share texts, hence changes: several triplets may be the median one.
    assert (changes < change - 1e-9).sum() <= (size - 1) // 2 < (changes <= change + 1e-9).sum()


def test_without_contrasts_or_aligned_runs_the_view_says_so(tmp_path):
    parameters = write_alignment(tmp_path, n=4)
    results = Results(parameters["results"], MODELS)
    assert (
        "before and after"
        in geometry.geometry_figure(Alignment(Results(parameters["results"], [MODELS[0]]))).text
    )
    for run in results.runs:
        if run.kind == "model":
            path = run.folder(results.root) / "entailment.parquet"
            table = pd.read_parquet(path)
            table[table["kind"] == "entailed"].to_parquet(path)
    assert "no contrasting texts" in geometry.geometry_figure(Alignment(results)).text
