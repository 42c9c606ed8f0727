"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets (HierarCaps, HyperLex, ...); the test skips where it is absent."""
    folder = Path(os.environ.get("HIERARCAPS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "hierarcaps").is_dir():
        pytest.skip(f"real data not found: set HIERARCAPS_TEST_DATA (looked in {folder})")
    return folder


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all that needs the smoke run, first, and otherwise a file each."""
    for item in items:
        group = "workflow" if item.path.parent.name == "workflow" else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.parent.name != "workflow")
