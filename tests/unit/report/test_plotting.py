import base64
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from synthetic_results import MODELS, write_results

from hierarcaps.report.plot_style import GREY, PALETTE, Look, look, styled, svg_panel
from hierarcaps.report.study import TAU_D, Results, Run
from hierarcaps.report.zero_shot import figures as plotting
from hierarcaps.report.zero_shot import length

FIGURES = {
    "ordering": (plotting.ordering_figure, 2),
    "radius": (plotting.radius_figure, 5),
    "angle": (plotting.angle_figure, 5),
    "length": (length.length_figure, 1),
    "precision_recall": (plotting.precision_recall_figure, 2),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    write_results(root, n=20)
    return Results(root, MODELS)


def _panels(html):
    images = BeautifulSoup(html.text, "html.parser").find_all("img")
    return [base64.b64decode(image["src"].split(",", 1)[1]).decode() for image in images]


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_reproducible_vector_and_described(results, name):
    draw, panels = FIGURES[name]
    before = dict(mpl.rcParams)
    html = draw(results)
    assert html == draw(results)
    assert dict(mpl.rcParams) == before
    drawings = _panels(html)
    assert len(drawings) == panels
    for drawing in drawings:
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        assert "<dc:date>" not in drawing
        assert "<image" not in drawing
        assert "system-ui" in drawing
    page = BeautifulSoup(html.text, "html.parser")
    assert all(len(image["alt"]) > 40 for image in page.find_all("img"))
    caption = page.figcaption.get_text()
    assert "n = 20" in caption or "over the items of a group, n = " in caption
    assert "interval" in caption
    assert "seed" in caption


def test_every_seed_is_drawn_with_its_interval(results):
    alt = BeautifulSoup(plotting.ordering_figure(results).text, "html.parser").img["alt"]
    for run, estimate in results.measured(*TAU_D, "model", "untrained", "baseline"):
        assert f"{results.name(run)} {estimate}" in alt


def test_looks_tell_families_and_controls_apart(results):
    looks = {run: look(results, run) for run in results.runs}
    models = [looks[run] for run in results.of_kind("model")]
    assert [m.colour for m in models] == list(PALETTE[:3])
    assert len({m.marker for m in models}) == 3
    untrained = looks[Run("rn-24-untrained", "zeroshot", 1)]
    assert untrained == Look(GREY, models[0].marker, filled=False, hatch="////")
    assert all(looks[run].colour not in PALETTE for run in results.of_kind("baseline"))


@pytest.mark.parametrize(
    "values", [np.full(5, 0.3), np.array([np.nan, 1.0, 2.0]), np.array([]), np.array([0.5])]
)
@styled
def test_violins_of_degenerate_values(values):
    drawn = Figure()
    medians = plotting.violins(drawn.add_subplot(), [values, np.arange(4.0)], Look(GREY, "o", True))
    kept = values[np.isfinite(values)]
    assert medians == ([float(np.median(kept))] if len(kept) else []) + [1.5]
    ElementTree.fromstring(svg_panel(drawn, "x").content)


def test_figures_without_controls_or_retrieval(tmp_path):
    write_results(tmp_path, n=6)
    summary = (tmp_path / "summary.csv").read_text().splitlines()
    kept = [line for line in summary if "baseline" not in line and "hierarchical" not in line]
    (tmp_path / "summary.csv").write_text("\n".join(kept))
    results = Results(tmp_path, MODELS[:1])
    assert len(_panels(plotting.ordering_figure(results))) == 2
    assert "not measured" in plotting.precision_recall_figure(results).text


def test_groups_by_length_keep_equal_values_together(results):
    tau = pd.Series([0.0, 0.5, 0.5, 0.5, 1.0, 1.0, -0.5, 0.5])
    groups = length.length_groups(tau)
    assert groups.notna().all()
    assert all(len(set(groups[tau == value])) == 1 for value in set(tau))
    assert tau.groupby(groups).mean().is_monotonic_increasing
    run = results.of_kind("model")[0]
    points = length.by_length(results, run)
    own = results.items(run, "ordering").tau
    total = sum(estimate.value * estimate.n for _, estimate in points)
    assert total / sum(estimate.n for _, estimate in points) == pytest.approx(own.mean())
    assert [length for length, _ in points] == sorted(length for length, _ in points)
