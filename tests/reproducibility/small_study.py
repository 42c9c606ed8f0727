"""Repositories of the small study: made, copied, run, disturbed, changed and compared."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from forked_snakemake import forked_snakemake
from forks import ADDRESS, PROGRAMS, address
from job_table import job_counts
from run_command import run_command

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = (ROOT / "config" / "smoke.yaml", Path(__file__).with_name("study.yaml"))
USERS_SNAKEMAKE = (sys.executable, "-m", "snakemake", "--cores", "2")
OUTPUTS = ("data", "models", "results")
TIMES = "results/index.html"  # shows how long each job took
PARTIAL = re.compile(r"\.partial-|\.state$")


def run(
    directory: Path, *command: str | Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess:
    """Run a command in ``directory``, with this environment's programs and without the user's.

    ``stdout`` of the result has both streams.
    """
    return run_command(command, directory, {**clean_environment(), **environment}, check)


def clean_environment() -> dict[str, str]:
    """Return this environment's programs, without the user's own settings."""
    left_out = {"HIERARCAPS_DATA", "MLFLOW_TRACKING_URI"}
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    person = {"NAME": "Test", "EMAIL": "test@example.org"}
    return {
        **environment,
        "PATH": os.pathsep.join(
            [str(PROGRAMS), str(Path(sys.executable).parent), environment["PATH"]]
        ),
        ADDRESS: address(),
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
    return run(directory, sys.executable, "-m", "dvc", *arguments).stdout


def snakemake(
    repository: Path,
    *arguments: str | Path,
    prefix: Sequence[str] = (),
    check: bool = True,
    **environment: str,
) -> subprocess.CompletedProcess:
    """Run a repository's workflow on its params.yaml: in forks, but as users do by ``prefix``."""
    if prefix:
        command = (*prefix, *USERS_SNAKEMAKE, *arguments)
        return run(repository, *command, check=check, **environment)
    command = ("--cores", "2", *arguments)
    return forked_snakemake(command, repository, {**clean_environment(), **environment}, check)


def executed(output: str) -> set[str]:
    """Return the rules that Snakemake's output, also within DVC's, says were to be executed."""
    return job_counts(output).keys() - {"all", "scenes", "hierarchies", "models", "probe"}


def planned(directory: Path, *targets: str) -> set[str]:
    """Return the rules that Snakemake would execute for ``targets``, by default for ``all``."""
    return executed(snakemake(directory, "--dry-run", "--", *(targets or ["all"])).stdout)


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


def outputs(directory: Path) -> dict[str, str]:
    """Return the hash of every file that has its final name, by its path; not of ``TIMES``."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in OUTPUTS
        for path in sorted((directory / folder).rglob("*"))
        if path.is_file() and path != directory / TIMES and not any(map(PARTIAL.search, path.parts))
    }


def leftovers(directory: Path) -> list[str]:
    """Return what interrupted writers left."""
    return [
        str(path)
        for folder in OUTPUTS
        for path in (directory / folder).rglob("*")
        if PARTIAL.search(path.name)
    ]


class Running:
    """A run in the background, in a process group of its own as in a terminal.

    Each of its jobs is a process of its own, as a user's are.
    """

    def __init__(self, directory: Path, log: Path, target: str = "all") -> None:
        self.directory = directory
        self.log = log
        with log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                # nohup, or a script's `&`, would have it ignore Ctrl-C.
                ["env", "--default-signal=INT", *USERS_SNAKEMAKE, "--", target],
                cwd=directory,
                env=clean_environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        """Return what it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def finished_jobs(self) -> int:
        """Return how many jobs it has finished."""
        return self.text().count("Finished jobid")

    def jobs(self) -> list[int]:
        """Return the process ids of its jobs' scripts (and of those of earlier runs here)."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    arguments = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                scripts = f"{self.directory}/.snakemake/scripts/".encode()
                if b"python" in arguments[0] and any(a.startswith(scripts) for a in arguments[1:]):
                    found.append(int(entry.name))
        return found

    def noted_jobs(self) -> dict[int, Path]:
        """Return the jobs that are at their work, past their imports: process id and note."""
        notes = (self.directory / ".snakemake" / "running-jobs").glob("*")
        noted = {int(note.name.rpartition(" ")[2]): note for note in notes}
        return {process: noted[process] for process in self.jobs() if process in noted}

    def wait(self, seconds: float = 1800) -> int:
        """Wait for its end; return its exit status."""
        return self.process.wait(timeout=seconds)

    def wait_for(self, condition, seconds: float = 1800) -> bool:
        """Wait until the condition holds; return False where the run ended before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.1)
        raise TimeoutError(self.text()[-3000:])
