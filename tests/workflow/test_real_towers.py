"""The study on real towers: its overlays, and the page composed of its committed results."""

from pathlib import Path

import pytest
from docs_page import docs_page

from hierarcaps.runtime.params import read_params

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ["official.yaml", "real-towers.yaml", "real-towers-rates.yaml"]


def test_the_page_is_that_of_its_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    page = docs_page("real_towers")
    monkeypatch.setattr(page, "FIGURE", tmp_path / "tiers.svg")
    assert page.compose() == page.PAGE.read_text(encoding="utf-8")
    assert "[[" not in page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("last", [2, 3])
def test_its_overlays_are_valid(last: int):
    schema = ROOT / "workflow" / "schemas" / "params.schema.yaml"
    overlays = [ROOT / "config" / name for name in OVERLAYS[:last]]
    params = read_params(ROOT / "params.yaml", overlays, schema)
    recipe, objectives = params["alignment"]["recipe"], params["alignment"]["objectives"]
    assert recipe["max_steps"] == 150
    assert {each["objective"] for each in objectives.values()} == {"re", "ec"}
    assert params["alignment"]["models"] == ["real-encoder"]
    # What rates are chosen on is not what is reported.
    read = {name: each["captions"] for name, each in params["evaluation"]["captions"].items()}
    assert (
        read
        == {
            2: {"flickr8k": "data/real_towers/flickr8k_reported.csv"},
            3: {"flickr8k-tuning": "data/real_towers/flickr8k_tuning.csv"},
        }[last]
    )
