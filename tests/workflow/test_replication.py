"""The study made twice: an overlay of seeds and nothing else, and the page of its results."""

from pathlib import Path

import pytest
import yaml
from docs_page import docs_page

ROOT = Path(__file__).resolve().parents[2]
OVERLAY = ROOT / "config" / "replication.yaml"


@pytest.fixture(scope="module")
def page():
    return docs_page("replication")


def leaves(node: dict, path: tuple = ()) -> dict[tuple, object]:
    """Return all parameters by path."""
    found = {}
    for key, value in node.items():
        below = (*path, key)
        found |= leaves(value, below) if isinstance(value, dict) else {below: value}
    return found


def test_its_overlay_changes_every_seed_and_nothing_else():
    overlay, study = (
        leaves(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in (OVERLAY, ROOT / "params.yaml")
    )
    changed, before = (
        {path: value for path, value in each.items() if path[-1] in ("seed", "seeds")}
        for each in (overlay, study)
    )
    assert list(overlay) == list(changed)
    # A model without seeds has one, of number 0.
    assert changed.keys() == before.keys() | {("models", "meru-16", "seeds")}
    for path, seed in changed.items():
        known = before.get(path, [0])
        if isinstance(seed, list):
            assert len(seed) == len(known)
            assert not set(seed) & set(known), path
        else:
            assert seed != known, path


def test_the_page_is_that_of_its_results(page):
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.compose() == text
    assert "[[" not in text
