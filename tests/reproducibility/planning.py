"""A finished run of the whole study as far as planning sees: every file is there, and empty.

Snakemake plans by names, times and recorded parameters. So what a change makes run can be asked in
seconds, of the real params.yaml, without computing anything.
"""

import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

import yaml
from small_study import ROOT, run

# One seed of each model and one aligned model: nothing depends on how many there are.
FEWER = {
    "models": {
        name: {"seeds": [0]} for name in ("rn-24-untrained", "vit-8-untrained", "meru-24-untrained")
    },
    "alignment": {"models": ["rn-24"], "seeds": [0]},
}
# Reasons of a job's own. Snakemake names them only where no job before it runs.
OWN = ("Missing output files", "Set of input files has changed", "Params have changed")
_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .+\n)+)", re.MULTILINE)


class Job(NamedTuple):
    """A planned job; ``own`` where it is planned for a reason of its own."""

    rule: str
    wildcards: str
    outputs: tuple[str, ...]
    own: bool


def snakemake_on(directory: Path, changes: dict, *arguments: str) -> str:
    """Run this checkout's workflow on files in ``directory`` and return what it prints."""
    command = ["snakemake", "--snakefile", ROOT / "Snakefile", "--directory", directory]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", "1"]
    with NamedTemporaryFile("w", suffix=".yaml") as fewer, NamedTemporaryFile("w") as changed:
        for file, content in ((fewer, FEWER), (changed, changes)):
            yaml.safe_dump(content, file, sort_keys=False)  # order is part of a parameter
            file.flush()
        return run(ROOT, *command, "--configfile", fewer.name, changed.name, *arguments).stdout


def detailed_summary(directory: Path, *targets: str) -> dict[str, tuple[str, list[str]]]:
    """Return output -> (rule, inputs) of all that ``targets`` need."""
    text = snakemake_on(directory, {}, "--detailed-summary", "--", *targets)
    rows = [line.split("\t") for line in text.splitlines() if line.count("\t") > 5]
    column = {name: index for index, name in enumerate(rows[0])}
    return {
        row[column["output_file"]]: (
            row[column["rule"]],
            [name for name in row[column["input-file(s)"]].split(",") if name],
        )
        for row in rows[1:]
    }


def pretend_finished(directory: Path) -> Path:
    """Make every output of the study, empty, with the records of a finished run."""
    for name in detailed_summary(directory, "all"):
        path = directory / name
        folder = path if not path.suffix else path.parent  # a folder of figures has no suffix
        folder.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.touch()
    snakemake_on(directory, {}, "--touch", "--forceall", "--", "all")
    return directory


def plan(directory: Path, changes: dict) -> list[Job]:
    """Return the jobs that ``changes`` of the parameters make run."""
    text = snakemake_on(directory, changes, "--dry-run", "--quiet", "host", "--", "all")
    jobs = []
    for rule, block in _JOB.findall(text):
        fields = dict(re.findall(r"^    ([\w-]+): (.*)$", block, re.MULTILINE))
        outputs = tuple(fields.get("output", "").split(", "))
        own = any(reason in fields.get("reason", "") for reason in OWN)
        jobs.append(Job(rule, fields.get("wildcards", ""), outputs, own))
    return jobs
