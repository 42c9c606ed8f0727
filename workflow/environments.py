"""What is asked of a machine before any rule can run in its environment."""

import shutil
import sys
from pathlib import Path
from typing import Any

import hierarcaps
from hierarcaps.runtime.errors import InputError


def check_interpreter() -> None:
    """Check that Snakemake can start this Python: it writes its path into a shell unquoted.

    Raises:
        InputError: there is a space in it.
    """
    if any(character.isspace() for character in sys.executable):
        raise InputError(
            f"the environment's Python is {sys.executable!r}: Snakemake starts no script with a "
            "Python that has a space in its path; move the environment (the checkout, if it is in "
            "there) to a folder without"
        )


def check_package(checkout: Path) -> None:
    """Check that the package that this process runs is the checkout's, as it is for all jobs.

    Raises:
        InputError: another one was imported before, as by a tool that starts Snakemake itself.
    """
    found = Path(hierarcaps.__file__).resolve().parent
    expected = (checkout / "src" / "hierarcaps").resolve()
    if found != expected:
        raise InputError(
            f"the package hierarcaps is imported from {found}, expected {expected}: was the "
            "checkout moved or copied? Make the environment anew ('make run' does), or run that "
            "folder's own"
        )


def check_conda(settings: Any) -> None:
    """Check that `--use-conda` finds conda.

    Args:
        settings: Snakemake's deployment settings.

    Raises:
        InputError: rules shall run in conda environments, and there is no conda.
    """
    methods = {str(method) for method in settings.deployment_method}
    if "conda" in methods and not settings.conda_base_path and shutil.which("conda") is None:
        raise InputError(
            "--use-conda (--software-deployment-method conda) needs the command conda, which is "
            "not on the PATH: install Miniforge (https://conda-forge.org/download) and activate "
            "it, or leave the flag out to run every rule in Snakemake's own environment"
        )
