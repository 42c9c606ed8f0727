"""Locks of killed runs go by themselves, those of living ones stay, and killed jobs are named."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import run_lock
from smoke import ROOT


def python(code: str, folder: Path) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT / "workflow"), str(ROOT / "src")])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


RUN = """
import pathlib, run_lock, time
held = run_lock.enter()
run_lock.sign(held)
locks = pathlib.Path(".snakemake/locks")
locks.mkdir(exist_ok=True)
(locks / "0.output.lock").write_text("data")
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    process = python(RUN, tmp_path)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()


def test_locks_of_a_living_run_stay(run, tmp_path, capsys):
    with run_lock.enter(tmp_path):
        assert (tmp_path / ".snakemake/locks/0.output.lock").is_file()
    told = capsys.readouterr().err
    assert f"process {run.pid}" in told
    assert str(tmp_path) in told


def test_locks_of_a_killed_run_go(run, tmp_path, capsys):
    run.kill()
    run.wait()
    with run_lock.enter(tmp_path):
        assert not list((tmp_path / ".snakemake/locks").iterdir())
    assert "was killed" in capsys.readouterr().err


JOB = """
import types
from scripts import _job
noted_job = types.SimpleNamespace(
    threads=1, rule="embed", wildcards=["rn-16"], resources={}, log=["embed.log"]
)
with _job.job(noted_job):
    import time
    from hierarcaps.runtime.files import atomic_path
    with atomic_path("embeddings") as partial:
        partial.write_text("half")
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("background", [False, True])
def test_a_job_ends_with_its_run_and_cleans_up(run, tmp_path, monkeypatch, background):
    monkeypatch.setenv(run_lock.RUN_VARIABLE, f"{run_lock.socket.gethostname()} {run.pid}")
    interrupt = signal.getsignal(signal.SIGINT)
    if background:  # as nohup and a script's `&` start it: SIGINT is ignored, and that is inherited
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = python(JOB, tmp_path)
    finally:
        signal.signal(signal.SIGINT, interrupt)
    assert job.stdout.readline() == "ready\n"
    assert [file for file in tmp_path.iterdir() if "partial" in file.name]
    run.kill()
    assert job.wait(timeout=20) == 143
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {".snakemake", "embed.log"}
    assert not list((tmp_path / ".snakemake/running-jobs").iterdir())


NOTED = """
import run_lock, time
with run_lock.noted("embed: rn-16 (mem_mb=4000)"):
    print("ready", flush=True)
    time.sleep(0 if {ends} else 60)
"""


@pytest.mark.parametrize("ends", [True, False])
def test_a_killed_job_is_named(tmp_path, monkeypatch, capsys, ends):
    job = python(NOTED.format(ends=ends), tmp_path)
    assert job.stdout.readline() == "ready\n"
    monkeypatch.chdir(tmp_path)
    run_lock.tell_killed_jobs()  # of a job at work it says nothing
    if not ends:
        time.sleep(0.1)
        job.send_signal(signal.SIGKILL)
    job.wait()
    run_lock.tell_killed_jobs()
    told = capsys.readouterr().err
    assert ("embed: rn-16 (mem_mb=4000): was killed" in told) is not ends
