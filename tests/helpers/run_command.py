"""Runs a program for a test, which fails with all that the program printed."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest


def run_command(
    command: Sequence[str | Path], directory: Path, environment: Mapping[str, str], check: bool
) -> subprocess.CompletedProcess:
    """Run ``command`` in ``directory``; with ``check``, another exit status than 0 is a failure.

    ``stdout`` of the result has both streams, as a terminal shows them.
    """
    result = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and result.returncode:
        pytest.fail(f"{result.args} failed:\n{result.stdout}")
    return result
