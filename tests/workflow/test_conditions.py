"""The study of conditions: its overlays, and the page composed of its committed results."""

from pathlib import Path

import pytest
from docs_page import docs_page

from hierarcaps.runtime.params import read_params

ROOT = Path(__file__).resolve().parents[2]
CONDITIONS = ROOT / "config" / "conditions"


@pytest.fixture(scope="module")
def page():
    return docs_page("conditions")


def test_the_page_is_that_of_its_results(page, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "FIGURE", tmp_path / "effects.svg")
    assert page.compose() == page.PAGE.read_text(encoding="utf-8")
    assert "[[" not in page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["recipe", "size", "near", "far", "full", "general"])
def test_its_overlays_are_valid_and_measure_what_the_page_shows(page, name):
    overlays = [CONDITIONS / "common.yaml", CONDITIONS / f"{name}.yaml"]
    schema = ROOT / "workflow" / "schemas" / "params.schema.yaml"
    params = read_params(ROOT / "params.yaml", overlays, schema)
    study = read_params(ROOT / "params.yaml", [], schema)
    for model in params["alignment"]["models"]:
        assert len(params["models"][model]["seeds"]) >= 3  # an interval over trainings needs some
    shown = {
        (condition.model, objective)
        for condition in page.CONDITIONS
        for objective in (condition.re, condition.ec)
        if objective and name in condition.results.parts
    }
    objectives = params["alignment"]["objectives"]
    assert shown == {(m, o) for m in params["alignment"]["models"] for o in objectives}
    for objective, recipe in objectives.items():  # one thing differs: EC is tuned as in the study
        base = study["alignment"]["objectives"][recipe["objective"]]
        if name != "recipe":
            assert recipe == base, objective
