"""Reads what Snakemake prints about the jobs of a run: its table of them, and each one's block."""

import re
from typing import NamedTuple

# Reasons of a job's own. Snakemake names them only where no job before it runs.
OWN = ("Missing output files", "Set of input files has changed", "Params have changed")
_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", re.MULTILINE)


class Job(NamedTuple):
    """A planned job; ``own`` where it is planned for a reason of its own."""

    rule: str
    wildcards: str
    outputs: tuple[str, ...]
    own: bool


def job_counts(output: str) -> dict[str, int]:
    """Return rule -> jobs to be executed; of several runs' output, as the last that has the rule.

    A dry run prints its table twice.
    """
    counts: dict[str, int] = {}
    for table in output.split("Job stats:")[1:]:
        for line in table.splitlines()[3:]:  # below the heading and its rule
            fields = line.split()
            if len(fields) != 2 or fields[0] == "total":
                break
            counts[fields[0]] = int(fields[1])
    return counts


def planned_jobs(output: str) -> list[Job]:
    """Return the jobs that a dry run with ``--quiet host`` prints, each with its reasons."""
    jobs = []
    for rule, block in _JOB.findall(output):
        fields = dict(re.findall(r"^    ([\w-]+): (.*)$", block, re.MULTILINE))
        outputs = tuple(fields.get("output", "").split(", "))
        own = any(reason in fields.get("reason", "") for reason in OWN)
        jobs.append(Job(rule, fields.get("wildcards", ""), outputs, own))
    return jobs
