"""Snakemake's command, and its jobs, in forks of a process that has imported what they need."""

import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

_FORKS = multiprocessing.get_context("forkserver")
# What every plan imports, and most jobs, but the package, which may be that of another checkout.
_FORKS.set_forkserver_preload(["snakemake.cli", "pulp", "pandas", "jsonschema", "torch"])


def forked_snakemake(
    arguments: Sequence[str | Path], directory: Path, environment: Mapping[str, str], check: bool
) -> subprocess.CompletedProcess:
    """Do as :func:`run_command` with ``snakemake``, whose jobs are no processes of their own."""
    command = [str(part) for part in arguments]
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as printed:
        target = (command, str(directory), dict(environment), printed.name)
        process = _FORKS.Process(target=_run, args=target)
        process.start()
        process.join()
        text = printed.read()
    if check and process.exitcode:
        pytest.fail(f"snakemake {command} failed:\n{text}")
    return subprocess.CompletedProcess(command, process.exitcode or 0, text)


def _run(command: list[str], directory: str, environment: dict[str, str], printed: str) -> None:
    file = os.open(printed, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    from forked_jobs import snakemake

    snakemake(command)
