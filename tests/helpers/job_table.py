"""Reads what Snakemake prints about each job of a run; of its table, as `doctor` does."""

import re
from typing import NamedTuple

from hierarcaps.cli.plan import job_counts

__all__ = ["Job", "job_counts", "planned_jobs"]

# Reasons of a job's own. Snakemake names them only where no job before it runs.
OWN = ("Missing output files", "Set of input files has changed", "Params have changed")
_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", re.MULTILINE)


class Job(NamedTuple):
    """A planned job; ``own`` where it is planned for a reason of its own."""

    rule: str
    wildcards: str
    outputs: tuple[str, ...]
    own: bool


def planned_jobs(output: str) -> list[Job]:
    """Return the jobs that a dry run with ``--quiet host`` prints, each with its reasons."""
    jobs = []
    for rule, block in _JOB.findall(output):
        fields = dict(re.findall(r"^    ([\w-]+): (.*)$", block, re.MULTILINE))
        outputs = tuple(fields.get("output", "").split(", "))
        own = any(reason in fields.get("reason", "") for reason in OWN)
        jobs.append(Job(rule, fields.get("wildcards", ""), outputs, own))
    return jobs
