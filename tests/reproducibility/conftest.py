"""A repository of the small study, finished once and copied for tests.

``make test-reproducibility`` runs these tests; they are no part of ``make test``.
"""

from pathlib import Path

import pytest
from filelock import FileLock
from planning import pretend_finished
from small_study import copy, make_repository, snakemake


@pytest.fixture(scope="session")
def finished_study(shared_directory) -> Path:
    """Repository after `snakemake all`, in which DVC has not run; tests only read and copy it."""
    directory = shared_directory / "finished"
    with FileLock(shared_directory / "finished.lock"):
        if not (directory / "results" / "summary.csv").is_file():
            directory.mkdir()
            make_repository(directory)
            snakemake(directory, "--", "all")
    return directory


@pytest.fixture(scope="session")
def pretended(tmp_path_factory) -> Path:
    """Directory of the whole study, finished as far as planning sees; tests only read it."""
    return pretend_finished(tmp_path_factory.mktemp("planning"))


@pytest.fixture
def study(finished_study, tmp_path) -> Path:
    """A copy of the finished repository, to change as the test likes."""
    return copy(finished_study, tmp_path / "study")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, beside which the other worker does all else."""
    items.sort(key=lambda item: item.path.name != "test_paper_rehearsal.py")
