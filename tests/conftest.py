"""Fixtures shared by all tests."""

import gc
import os
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
# Of its plugins there is trio's, which nothing here uses and which looks for garbage for a second.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
# Until all modules are imported: they stay, and looking for garbage among them takes seconds.
gc.disable()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real data sets (HierarCaps, HyperLex, ...); the test skips where it is absent."""
    folder = Path(os.environ.get("HIERARCAPS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "hierarcaps").is_dir():
        pytest.skip(f"real data not found: set HIERARCAPS_TEST_DATA (looked in {folder})")
    return folder


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory) -> Path:
    """Directory that all workers of a test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def reports(shared_directory) -> Path:
    """Results of a small study with all their pages, rendered once for all workers."""
    from forks import forked_kernels
    from rendered_reports import RESULTS, write_reports

    directory = shared_directory / "reports"
    with FileLock(shared_directory / "reports.lock"):
        if not directory.is_dir():
            directory.mkdir()
            with forked_kernels():
                write_reports(directory)
    return directory / RESULTS


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all that needs the smoke run, first, and otherwise a file each."""
    for item in items:
        group = "workflow" if item.path.parent.name == "workflow" else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.parent.name != "workflow")


def pytest_collection_finish() -> None:
    """Let garbage be looked for among what tests make alone."""
    gc.freeze()
    gc.enable()
