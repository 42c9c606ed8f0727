"""Snakemake on the smoke configuration, run or planned in a folder of a test's own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from forked_snakemake import forked_snakemake
from job_table import job_counts

ROOT = Path(__file__).resolve().parents[2]


def snakemake(
    directory: Path,
    *arguments: str,
    overlays: Sequence[Path] = (),
    changes: dict | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess:
    """Run Snakemake in ``directory`` on the smoke configuration, overlays and changes of it."""
    command = ["--snakefile", ROOT / "Snakefile"]
    command += ["--workflow-profile", ROOT / "profiles" / "default", "--cores", "2"]
    command += ["--directory", directory, "--configfile", ROOT / "config" / "smoke.yaml"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as overlay:
        yaml.safe_dump(changes or {}, overlay)
        overlay.flush()
        return _run([*command, *overlays, overlay.name, *arguments], check)


def _run(command: list, check: bool) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key != "HIERARCAPS_DATA"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    return forked_snakemake(command, ROOT, environment, check)


def planned(directory: Path, changes: dict | None = None) -> set[str]:
    """Return the rules that ``snakemake all`` would execute."""
    return set(job_counts(snakemake(directory, "--dry-run", "--", "all", changes=changes).stdout))
