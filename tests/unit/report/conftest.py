"""Small studies with made results: models as pre-trained, and aligned ones."""

import pytest
import synthetic_alignment
import synthetic_results

from hierarcaps.report.changes import Alignment
from hierarcaps.report.study import Results


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    root = tmp_path_factory.mktemp("results")
    return Results(root, synthetic_results.write_results(root, n=20))


@pytest.fixture(scope="module")
def aligned(tmp_path_factory) -> dict:
    """Parameters of the notebook on alignment, whose files are there."""
    return synthetic_alignment.write_alignment(tmp_path_factory.mktemp("aligned"))


@pytest.fixture(scope="module")
def study(aligned) -> Alignment:
    return Alignment(Results(aligned["results"], aligned["models"]), aligned["curves"])
