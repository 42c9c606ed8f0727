"""Runs a program for a test, which fails with all that the program printed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest


def run_command(
    command: Sequence[str | Path], directory: Path, environment: Mapping[str, str], check: bool
) -> subprocess.CompletedProcess:
    """Run ``command`` in ``directory``; with ``check``, another exit status than 0 is a failure."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and result.returncode:
        pytest.fail(f"{result.args} failed:\n{result.stdout}\n{result.stderr}")
    return result
