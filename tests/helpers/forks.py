"""Programs of tests in forks of a process that has imported what they need (``fork_server.py``).

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
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

HELPERS = Path(__file__).resolve().parent
# Stand before Python's and the environment's own: on PATH, and on the PYTHONPATH of jobs.
PROGRAMS = HELPERS / "programs"
ADDRESS = "TEST_FORKS"  # variable


def start_server(environment: Mapping[str, str]) -> str:
    """Start a server whose forks have imported in ``environment``, and return its address.

    It ends with this process.
    """
    server = subprocess.Popen(
        [sys.executable, HELPERS / "fork_server.py"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    _KEPT.append(server)
    assert server.stdout is not None
    return server.stdout.readline().strip()


_KEPT: list[subprocess.Popen] = []  # a pipe that is collected is closed


@cache
def address() -> str:
    """Return the address of this process's own server, which is started when it is asked for."""
    return start_server(os.environ)


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
        """Make a process for one of the server's programs, which begins when it is waited for.

        It has these standard streams and this process's cores. ``environment`` says which server:
        its variable ``ADDRESS``.
        """
        cores = sorted(os.sched_getaffinity(0))
        asked = [program, [*arguments], str(directory), {**environment}, cores]
        request = json.dumps(asked).encode()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(environment[ADDRESS])
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
    """Do as a program of the server, as far as who started this process can see; then exit."""
    fork = Fork(program, sys.argv[1:], Path.cwd(), os.environ)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda number, _: os.kill(fork.process, number))
    code = fork.wait()
    sys.exit(code if code >= 0 else 128 - code)
