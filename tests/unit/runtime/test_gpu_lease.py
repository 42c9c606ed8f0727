"""Two jobs of one machine never hold the same GPU. The devices are made up: none is needed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hierarcaps.runtime import gpu_lease
from hierarcaps.runtime.gpu_lease import VISIBLE, devices, lease

TWO = ["GPU-a", "GPU-b"]


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(gpu_lease.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.delenv(VISIBLE, raising=False)
    return tmp_path


@pytest.fixture
def driver(tmp_path, monkeypatch) -> Path:
    """A stand-in for nvidia-smi of a machine with two devices."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf '0, GPU-a\\n1, GPU-b\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return tool


def test_jobs_get_devices_of_their_own():
    with lease(1, TWO) as first, lease(1, TWO) as second:
        assert sorted(first + second) == TWO
        assert os.environ[VISIBLE] == second[0]
    assert VISIBLE not in os.environ


def test_a_released_device_is_free_again():
    with lease(1, TWO) as first:
        pass
    with lease(1, TWO) as again:
        assert again == first


def test_every_user_of_the_machine_can_hold_a_device(locks):
    before = os.umask(0o022)
    try:
        with lease(1, TWO) as taken:
            mode = (locks / f"{taken[0]}.lock").stat().st_mode
    finally:
        os.umask(before)
    assert mode & 0o666 == 0o666  # a lock is opened for writing


def test_no_more_is_taken_than_there_is():
    with lease(4, TWO) as taken:
        assert taken == TWO


def test_a_machine_without_a_device_is_left_alone():
    with lease(1, []) as taken:
        assert taken == []
        assert VISIBLE not in os.environ


def test_a_job_that_wants_none_takes_none():
    with lease(0, TWO), lease(2, TWO) as all_of_them:
        assert all_of_them == TWO


def test_devices_are_named_by_what_no_container_changes(driver, monkeypatch):
    assert devices() == TWO
    monkeypatch.setenv(VISIBLE, "1")
    assert devices() == ["GPU-b"]
    monkeypatch.setenv(VISIBLE, "MIG-1234")
    assert devices() == ["MIG-1234"]
    monkeypatch.setenv(VISIBLE, "")
    assert devices() == []


HOLDER = """
import sys, time
from hierarcaps.runtime.gpu_lease import lease
with lease(1, ["GPU-a"]) as taken:
    print(taken[0], flush=True)
    time.sleep(60)
"""


def test_a_job_waits_for_its_turn_even_after_a_kill(monkeypatch, capsys):
    monkeypatch.setattr(gpu_lease, "POLL_SECONDS", 0.05)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "GPU-a\n"
        killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 1; kill -KILL {holder.pid}"])
        began = time.monotonic()
        with lease(1, ["GPU-a"]) as taken:
            assert taken == ["GPU-a"]
        assert time.monotonic() - began > 0.5
        killer.wait()
    finally:
        holder.kill()
        holder.wait()
    assert "waiting for a free GPU" in capsys.readouterr().err
