"""Programs of tests in forks of processes that have imported what they need (``fork_server.py``).

A job of a small study imports for seconds and computes for one; so do plans and kernels. Where a
process of its own is what is tested (kills, environments of rules, a cluster) programs start as
users start them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HELPERS = Path(__file__).resolve().parent
# Stand before Python's and the environment's own: on PATH, and on the PYTHONPATH of jobs.
PROGRAMS = HELPERS / "programs"
ADDRESS = "TEST_FORKS"  # variable


def start_server(environment: Mapping[str, str], owner: int) -> str:
    """Return the address of a process's servers; their forks have imported in ``environment``.

    They are started where there are none, and end with their owner.
    """
    import psutil
    from filelock import FileLock

    began = psutil.Process(owner).create_time()
    path = Path(tempfile.gettempdir(), f"forks-{owner}-{began:.0f}")
    with FileLock(f"{path}.lock"):
        if not Path(f"{path}-snakemake").exists():
            command = [sys.executable, HELPERS / "fork_server.py", path, str(owner)]
            servers = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
            assert servers.stdout is not None
            servers.stdout.readline()  # they listen
    return str(path)


@cache
def address() -> str:
    """Return the address of the servers that all workers of a test run share."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return start_server(os.environ, run)


@contextmanager
def forked_kernels() -> Iterator[None]:
    """Let notebooks that this process renders have kernels in forks."""
    before = dict(os.environ)
    os.environ |= {ADDRESS: address(), "PYTHONPATH": str(PROGRAMS)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Fork:
    """A program in a fork.

    Attributes:
        process: its id.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        directory: str | Path,
        environment: Mapping[str, str],
        streams: Sequence[int] = (0, 1, 2),
    ) -> None:
        """Make a process for one of the servers' programs, which begins when it is waited for.

        It has these standard streams and this process's cores. ``environment`` says which servers:
        its variable ``ADDRESS``.
        """
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        asked = [[*arguments], str(directory), {**environment}, cores]
        request = json.dumps(asked).encode()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(f"{environment[ADDRESS]}-{program}")
        self._answers = self._connection.makefile(encoding="ascii")
        socket.send_fds(self._connection, [len(request).to_bytes(4)], streams)
        self._connection.sendall(request)
        self.process = int(self._answers.readline())

    def wait(self) -> int:
        """Let it begin, and return its exit status; that of a signal is negative."""
        with self._connection, self._answers:
            self._connection.send(b"!")
            return int(self._answers.readline())


def stand_for(program: str) -> None:
    """Do as a program of the servers, as far as who started this process can see; then exit."""
    fork = Fork(program, sys.argv[1:], Path.cwd(), os.environ)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: os.kill(fork.process, number))
    code = fork.wait()
    sys.exit(code if code >= 0 else 128 - code)
