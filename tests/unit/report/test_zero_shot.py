"""The figures of zero-shot probing: reproducible, described, and true to the numbers."""

from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from html_parts import drawings, soup
from matplotlib.figure import Figure
from synthetic_results import MODELS, write_results

from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.report.plot_style import GREY, PALETTE, Look, look, styled, svg_panel
from hierarcaps.report.study import TAU_D, Results, Run
from hierarcaps.report.zero_shot import figures, length, plane, roots

FIGURES = {
    "ordering": (figures.ordering_figure, 2),
    "radius": (figures.radius_figure, 5),
    "angle": (figures.angle_figure, 5),
    "length": (length.length_figure, 1),
    "plane": (plane.radial_figure, 5),
    "roots": (roots.root_figure, 3),
    "modality": (figures.modality_figure, 5),
    "precision_recall": (figures.precision_recall_figure, 2),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_reproducible_vector_and_described(results, name):
    draw, panels = FIGURES[name]
    before = dict(mpl.rcParams)
    html = draw(results)
    assert html == draw(results)
    assert dict(mpl.rcParams) == before
    assert len(drawings(html)) == panels
    for drawing in drawings(html):
        assert ElementTree.fromstring(drawing).tag.endswith("svg")
        assert "<dc:date>" not in drawing
        assert "<image" not in drawing
        assert "system-ui" in drawing
    page = soup(html)
    assert all(len(image["alt"]) > 40 for image in page.find_all("img"))
    caption = page.figcaption.get_text()
    assert "n = 20" in caption or "over the items of a group, n = " in caption
    assert "interval" in caption
    assert "seed" in caption


def test_every_seed_is_drawn_with_its_interval(results):
    alt = soup(figures.ordering_figure(results)).img["alt"]
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
    medians = figures.violins(drawn.add_subplot(), [values, np.arange(4.0)], Look(GREY, "o", True))
    kept = values[np.isfinite(values)]
    assert medians == ([float(np.median(kept))] if len(kept) else []) + [1.5]
    ElementTree.fromstring(svg_panel(drawn, "x").content)


def test_figures_without_controls_or_retrieval(tmp_path):
    write_results(tmp_path, n=6)
    summary = (tmp_path / "summary.csv").read_text().splitlines()
    kept = [line for line in summary if "baseline" not in line and "hierarchical" not in line]
    (tmp_path / "summary.csv").write_text("\n".join(kept))
    results = Results(tmp_path, MODELS[:1])
    assert len(drawings(figures.ordering_figure(results))) == 2
    assert "not measured" in figures.precision_recall_figure(results).text


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
