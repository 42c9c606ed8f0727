"""One smoke run of the whole DAG, shared by the tests that look at it."""

from pathlib import Path

import pytest
from smoke import snakemake


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> Path:
    """Directory of a finished smoke run; tests must leave it as they found it."""
    directory = tmp_path_factory.mktemp("smoke")
    snakemake(directory, "--", "all")
    return directory
