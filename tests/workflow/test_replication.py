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


def seeds(node: dict, path: tuple = ()) -> dict[tuple, int | list[int]]:
    """Return all seeds of parameters, by path."""
    found = {}
    for key, value in node.items():
        if isinstance(value, dict):
            found |= seeds(value, (*path, key))
        elif key in ("seed", "seeds"):
            found[(*path, key)] = value
    return found


def leaves(node: dict, path: tuple = ()) -> list[tuple]:
    return [
        leaf
        for key, value in node.items()
        for leaf in (leaves(value, (*path, key)) if isinstance(value, dict) else [(*path, key)])
    ]


def test_its_overlay_changes_every_seed_and_nothing_else():
    overlay = yaml.safe_load(OVERLAY.read_text(encoding="utf-8"))
    study = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    changed, before = seeds(overlay), seeds(study)
    assert leaves(overlay) == list(changed)
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
