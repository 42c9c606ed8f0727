"""Runs of the small study that are disturbed: started in the background, struck, compared."""

import atexit
import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUDY = ["config/smoke.yaml", "tests/reproducibility/study.yaml"]
OUTPUTS = ("data", "models", "results")
TIMES = "results/index.html"  # shows how long each job took
PARTIAL = re.compile(r"\.partial-|\.state$")


def command(directory: Path, *arguments: str) -> list[str]:
    """Return the command of a run of the small study in ``directory``."""
    return [
        *[sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")],
        *["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "2"],
        *["--directory", str(directory), "--configfile", *(str(ROOT / each) for each in STUDY)],
        *arguments,
    ]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a run: this one's, with this interpreter's tools."""
    own = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", **changes}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    return {**os.environ, **own}


def run(
    directory: Path,
    *arguments: str,
    prefix: tuple[str, ...] = (),
    check: bool = False,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run to the end; ``stdout`` has both streams."""
    result = subprocess.run(
        [*prefix, *command(directory, *arguments)],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or result.returncode == 0, result.stdout[-5000:]
    return result


@functools.cache
def finished_study() -> Path:
    """Return the directory of an undisturbed run, made once; tests copy it."""
    given = os.environ.get("HIERARCAPS_FINISHED_STUDY")
    if given:
        return Path(given)
    directory = Path(tempfile.mkdtemp(prefix="finished-study-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    run(directory, "--", "all", check=True)
    return directory


@contextlib.contextmanager
def copy_of_finished_study() -> Iterator[Path]:
    """Lend a copy beside the original: paths to the code are recorded relative to the directory."""
    original = finished_study()
    directory = Path(tempfile.mkdtemp(prefix="study-", dir=original.parent))
    shutil.copytree(original, directory, symlinks=True, dirs_exist_ok=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


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
    """A run in the background, in a process group of its own as in a terminal."""

    def __init__(self, directory: Path, log: Path) -> None:
        self.directory = directory
        self.log = log
        with log.open("w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                command(directory, "--", "all"),
                cwd=ROOT,
                env=environment(),
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

    def noted_jobs(self) -> list[int]:
        """Return the process ids of jobs that are at their work, past their imports."""
        notes = (self.directory / ".snakemake" / "running-jobs").glob("*")
        noted = {int(note.name.rpartition(" ")[2]) for note in notes}
        return [process for process in self.jobs() if process in noted]

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
