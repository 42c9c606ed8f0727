"""Snakemake's command, its jobs and their kernels, in forks."""

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from forks import ADDRESS, Fork, address


def forked_snakemake(
    arguments: Sequence[str | Path], directory: Path, environment: Mapping[str, str], check: bool
) -> subprocess.CompletedProcess:
    """Do as :func:`run_command` with ``snakemake``, whose jobs are no processes of their own."""
    command = [str(part) for part in arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed, Path(os.devnull).open() as none:
        streams = (none.fileno(), printed.fileno(), printed.fileno())
        variables = {**environment, ADDRESS: address()}
        code = Fork("snakemake", command, directory, variables, streams).wait()
        printed.seek(0)
        text = printed.read()
    if check and code:
        pytest.fail(f"snakemake {command} failed:\n{text}")
    return subprocess.CompletedProcess(command, code, text)
