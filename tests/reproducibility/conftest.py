"""A git and DVC repository of the project with a small study, finished once and copied for tests.

``make test-reproducibility`` runs these tests; they are no part of ``make test``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from faults import copy_of_finished_study
from filelock import FileLock
from run_command import run_command

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = (ROOT / "config" / "smoke.yaml", Path(__file__).with_name("study.yaml"))


def run(
    directory: Path, *command: str | Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess:
    """Run a command in ``directory``, with this environment's programs and without the user's."""
    return run_command(command, directory, {**_environment(), **environment}, check)


def _environment() -> dict[str, str]:
    left_out = {"HIERARCAPS_DATA", "MLFLOW_TRACKING_URI"}
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    person = {"NAME": "Test", "EMAIL": "test@example.org"}
    return {
        **environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "PYTHONPATH": "",  # the package of the repository under test, and no other
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in person.items()
        },
    }


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it prints."""
    return run(directory, "git", *arguments).stdout


def dvc(directory: Path, *arguments: str) -> str:
    """Run DVC and return what it prints."""
    result = run(directory, sys.executable, "-m", "dvc", *arguments)
    return result.stdout + result.stderr


def snakemake(directory: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run Snakemake in a repository, on its own params.yaml."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    return run(directory, *command, check=check)


def executed(output: str) -> set[str]:
    """Return the rules that Snakemake's output, also within DVC's, says were to be executed."""
    rules: set[str] = set()
    for table in output.split("Job stats:")[1:]:
        for line in table.splitlines()[3:]:
            fields = line.split()
            if len(fields) != 2 or fields[0] == "total":
                break
            rules.add(fields[0])
    return rules - {"all", "scenes", "hierarchies", "models", "probe"}


def planned(directory: Path, *targets: str) -> set[str]:
    """Return the rules that Snakemake would execute for ``targets``, by default for ``all``."""
    result = snakemake(directory, "--dry-run", "--", *(targets or ["all"]))
    return executed(result.stdout + result.stderr)


def merge(params: dict, changes: dict) -> None:
    """Change ``params`` in place, key by key; null removes a key."""
    for key, value in changes.items():
        if value is None:
            params.pop(key, None)
        elif isinstance(value, dict) and isinstance(params.get(key), dict):
            merge(params[key], value)
        else:
            params[key] = value


def change_params(directory: Path, *changes: dict) -> None:
    """Write changes into a repository's params.yaml."""
    path = directory / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for each in changes:
        merge(params, each)
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def make_repository(directory: Path) -> None:
    """Make a repository of the working tree's files, with the small study as its params.yaml."""
    files = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    overlays = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in OVERLAYS]
    change_params(directory, *overlays)
    git(directory, "init", "--quiet", "--initial-branch", "main")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "The small study")


def copy(source: Path, target: Path) -> Path:
    """Copy a finished repository with its modification times."""
    shutil.copytree(source, target, symlinks=True)
    return target


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory) -> Path:
    """Directory that all workers of a test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def finished_study(shared_directory) -> Path:
    """Repository after `snakemake all`, in which DVC has not run; tests only read and copy it."""
    directory = shared_directory / "finished"
    with FileLock(shared_directory / "finished.lock"):
        if not (directory / "results" / "summary.csv").is_file():
            directory.mkdir()
            make_repository(directory)
            snakemake(directory, "--cores", "2", "--", "all")
    return directory


@pytest.fixture
def study(finished_study, tmp_path) -> Path:
    """A copy of the finished repository, to change as the test likes."""
    return copy(finished_study, tmp_path / "study")


@pytest.fixture
def copied_study() -> Iterator[Path]:
    """A finished small study without git and DVC, of the test's own."""
    with copy_of_finished_study() as directory:
        yield directory
