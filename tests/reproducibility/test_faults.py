"""Full disks, read-only folders, too little memory, two runs at once, clocks that disagree.

Each ends in a sentence that says what to do, or in the result of an undisturbed run; never in half
a file under a final name.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from small_study import Running, leftovers, make_repository, outputs, snakemake

SCENES = "data/scenes/train.parquet"


@pytest.fixture
def mounted():
    """Mounts tmpfs file systems for a test; skips it where that is not allowed."""
    places = []

    def mount(place: Path, options: str) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        mounting = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place],
            capture_output=True,
            check=False,
        )
        if mounting.returncode:
            pytest.skip("needs the right to mount a small file system")
        places.append(place)
        return place

    yield mount
    for place in reversed(places):
        subprocess.run(["umount", place], check=True)


def assert_told(result: subprocess.CompletedProcess, *parts: str) -> None:
    assert result.returncode == 1, result.stdout
    line = next((each for each in result.stdout.splitlines() if each.startswith("Error: ")), "")
    assert all(part in line for part in parts), result.stdout[-3000:]
    assert "Traceback" not in result.stdout, result.stdout[-3000:]


@pytest.fixture
def run_in(finished_study):
    """Run the small study in another directory than its repository's, which may not have room."""

    def run(
        directory: Path, *arguments: str, prefix: Sequence[str] = ()
    ) -> subprocess.CompletedProcess:
        place = ("--directory", directory)
        return snakemake(finished_study, *place, *arguments, prefix=prefix, check=False)

    return run


def test_a_full_disk_is_one_sentence_and_no_half_file(tmp_path, mounted, run_in):
    mounted(tmp_path / "data", "size=100k")
    result = run_in(tmp_path, "--", SCENES)
    assert_told(result, SCENES, "No space left on device")
    assert outputs(tmp_path) == {}
    assert leftovers(tmp_path) == []


def test_a_disk_that_is_full_from_the_start(tmp_path, mounted, run_in):
    place = mounted(tmp_path / "full", "size=64k")
    with (place / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    result = run_in(place, "--", SCENES)
    # Snakemake's own log cannot be written either, which Python's logging says before.
    last = result.stdout.splitlines()[-1]
    assert result.returncode == 1
    assert last.startswith(f"Error: {place} cannot be written"), result.stdout[-3000:]
    assert "No space left on device" in last
    assert not (place / SCENES).exists()


def test_a_limit_of_file_size_is_one_sentence(tmp_path, run_in):
    limit = 60 * 1024  # bytes: more than Snakemake's own records have
    code = (
        "import os, resource, sys;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    result = run_in(tmp_path, "--", SCENES, prefix=(sys.executable, "-c", code))
    assert_told(result, SCENES, "File too large")
    assert outputs(tmp_path) == {}


def test_a_read_only_directory_is_one_sentence(tmp_path, mounted, run_in):
    place = mounted(tmp_path / "read-only", "ro,size=1m")
    assert_told(run_in(place, "--", SCENES), str(place), "cannot be written")


def test_a_read_only_output_folder_is_one_sentence(tmp_path, mounted, run_in):
    mounted(tmp_path / "data" / "scenes", "ro,size=1m")
    result = run_in(tmp_path, "--", SCENES)
    assert result.returncode == 1
    assert "Read-only file system" in result.stdout
    assert "data/scenes" in result.stdout
    assert outputs(tmp_path) == {}


def test_a_job_out_of_memory_is_named(finished_study, study, tmp_path):
    """Killed as the kernel does; a real limit of memory makes it thrash for some minutes before."""
    target = "results/rn-16/zeroshot/seed0/embeddings.safetensors"
    (study / target).unlink()
    run = Running(study, tmp_path / "log", target)
    assert run.wait_for(run.noted_jobs), run.text()
    (job,) = run.noted_jobs()
    os.kill(job, signal.SIGKILL)
    assert run.wait() == 1
    assert "Error: embed: rn-16, zeroshot, 0" in run.text(), run.text()[-3000:]
    assert "ran out of memory" in run.text()
    assert not (study / target).exists()
    snakemake(study, "--", target)
    assert outputs(study) == outputs(finished_study)


def test_two_runs_in_one_directory(tmp_path):
    shared = tmp_path / "shared"
    make_repository(shared)
    first = Running(shared, tmp_path / "first.log")
    first.wait_for(first.noted_jobs)
    try:
        second = snakemake(shared, "--", "all", check=False)
        assert second.returncode == 1
        assert f"Another run is at work in {shared}" in second.stdout
        assert f"process {first.process.pid}" in second.stdout
        assert first.process.poll() is None
        snakemake(shared, "--dry-run", "--", "all")
    finally:
        os.killpg(first.process.pid, signal.SIGINT)
        first.wait()


def shift(directory: Path, seconds: float) -> None:
    for path in [directory, *directory.rglob("*")]:
        if not path.is_symlink():
            moved = path.stat().st_mtime + seconds
            os.utime(path, (moved, moved))


def test_files_from_the_future_change_nothing(study):
    shift(study / "data", 24 * 3600)
    assert "Nothing to be done" in snakemake(study, "--", "all").stdout


def test_a_job_whose_clock_is_behind_is_told_and_made_again(finished_study, study):
    """What the job reads is from tomorrow, by its clock; then its clock is set."""
    target = "results/run.json"
    (study / target).unlink()
    shift(study / "data", 24 * 3600)
    result = snakemake(study, "--", target, check=False)
    assert result.returncode == 1, result.stdout[-3000:]
    assert "clock skew problem" in result.stdout
    assert "Traceback" not in result.stdout
    assert not (study / target).exists()
    shift(study / "data", -24 * 3600)
    snakemake(study, "--", target)
    assert outputs(study) == outputs(finished_study)
