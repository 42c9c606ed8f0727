"""What ``hierarcaps doctor`` asks of Snakemake."""

from pathlib import Path

import pytest

from hierarcaps.cli.plan import planned_jobs
from hierarcaps.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_the_jobs_of_the_study_are_planned(tmp_path: Path):
    jobs = planned_jobs(ROOT, [], tmp_path)
    assert jobs["align"] == 16
    assert jobs["all"] == 1


def test_an_input_that_no_rule_makes_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"Missing input files for rule \w+: .*models/meru_vit_b"):
        planned_jobs(ROOT, [ROOT / "config" / "paper.yaml"], tmp_path)
