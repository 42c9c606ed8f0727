"""A finished run of the whole study as far as planning sees: every file is there, and empty.

Snakemake plans by names, times and recorded parameters. So what a change makes run can be asked in
seconds, of the real params.yaml, without computing anything.
"""

import base64
import json
import os
import re
import shutil
from pathlib import Path
from tempfile import NamedTemporaryFile

import yaml
from forked_snakemake import forked_snakemake
from job_table import Job, planned_jobs
from small_study import ROOT, clean_environment

# One seed of each model and one aligned model: nothing depends on how many there are.
FEWER = {
    "models": {
        f"{name}{control}": {"seeds": [0]}
        for name in ("rn-16", "vit-8", "meru-16")
        for control in ("", "-untrained")
    },
    "alignment": {"models": ["rn-16"], "seeds": [0]},
}
FINISHED = 1_700_000_000  # seconds since the epoch: when the pretended run ended


def snakemake_on(directory: Path, changes: dict, *arguments: str, checkout: Path = ROOT) -> str:
    """Run a checkout's workflow on files in ``directory`` and return what it prints."""
    command = ["--snakefile", checkout / "Snakefile", "--directory", directory]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", "1"]
    with NamedTemporaryFile("w", suffix=".yaml") as fewer, NamedTemporaryFile("w") as changed:
        for file, content in ((fewer, FEWER), (changed, changes)):
            yaml.safe_dump(content, file, sort_keys=False)  # order is part of a parameter
            file.flush()
        command += ["--configfile", fewer.name, changed.name, *arguments]
        return forked_snakemake(command, ROOT, clean_environment(), check=True).stdout


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
    made = [directory / name for name in detailed_summary(directory, "all")]
    for path in made:
        folder = path if not path.suffix else path.parent  # a folder of figures has no suffix
        folder.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.touch()
    snakemake_on(directory, {}, "--touch", "--forceall", "--", "all")
    for path in made:  # a file that another order of jobs made newer would be a reason of its own
        if path.exists():  # a finished run has removed its temporary files
            os.utime(path, (FINISHED, FINISHED))
    return directory


def recorded_code(directory: Path, output: str) -> list[str]:
    """Return the files of the checkout that an output's record names as what made it."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    record = json.loads((directory / ".snakemake" / "metadata" / name).read_text(encoding="utf-8"))
    return re.findall(r"'(\S+) [0-9a-f]{64}'", " ".join(record["params"]))


def copy_of_checkout(directory: Path) -> Path:
    """Copy what the workflow runs of this checkout, to edit it."""
    for name in ("Snakefile", "params.yaml"):
        shutil.copy2(ROOT / name, directory / name)
    for name in ("config", "notebooks", "src", "workflow"):
        shutil.copytree(ROOT / name, directory / name)
    return directory


def plan(directory: Path, changes: dict, checkout: Path = ROOT) -> list[Job]:
    """Return the jobs that ``changes`` of the parameters, or of the checkout, make run."""
    arguments = ("--dry-run", "--quiet", "host", "--", "all")
    text = snakemake_on(directory, changes, *arguments, checkout=checkout)
    return planned_jobs(text)
