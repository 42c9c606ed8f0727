"""Which jobs a study would run, asked of Snakemake, and how long by what such jobs took here."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hierarcaps.report.index import durations
from hierarcaps.runtime.errors import InputError

TIMEOUT_SECONDS = 300
BENCHMARKS = Path("logs", "benchmarks")


def planned_jobs(checkout: Path, configs: Sequence[Path], directory: Path) -> dict[str, int]:
    """Return rule -> jobs that `snakemake all` would run.

    Raises:
        InputError: Snakemake cannot plan them: an input is missing that no rule makes.
    """
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(checkout / "Snakefile"),
        "--directory", str(directory), "--dry-run", "--nolock", "--quiet", "host",
    ]  # fmt: skip
    if configs:
        command += ["--configfile", *map(str, configs)]
    try:
        done = subprocess.run(
            [*command, "--", "all"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(f"the jobs are not planned after {TIMEOUT_SECONDS} s") from None
    if done.returncode:
        raise InputError(_why(done.stderr + done.stdout))
    return job_counts(done.stdout + done.stderr)


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


def processor_seconds(jobs: Mapping[str, int], directory: Path) -> tuple[float, list[str]]:
    """Return the seconds of jobs by what their rules took here, and the rules that never ran."""
    measured = {
        each.rule: each.seconds / each.jobs
        for each in durations.read_durations(directory / BENCHMARKS)
        if each.jobs
    }
    unknown = [rule for rule in jobs if rule not in measured and rule != "all"]
    return sum(number * measured.get(rule, 0.0) for rule, number in jobs.items()), unknown


def _why(said: str) -> str:
    """Return what Snakemake said, in a line: the inputs that are missing, or its last words."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    if "affected files:" in lines:
        rule = next((line for line in lines if line.startswith("Missing input files")), "")
        return f"{rule} {', '.join(lines[lines.index('affected files:') + 1 :][:5])}".strip()
    return lines[-1][:300] if lines else "snakemake ended without a word"
