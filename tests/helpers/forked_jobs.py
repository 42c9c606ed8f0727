"""Snakemake with the scripts of its jobs in forks of a process that has imported torch.

A job of a small study imports for two seconds and computes for one. Tests of what a process of its
own shows (kills, environments of rules, processes on a cluster) start Snakemake as users do.
"""

import json
import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pandas  # noqa: F401 (for the jobs)
import torch
from snakemake.benchmark import BenchmarkRecord, benchmarked
from snakemake.cli import main
from snakemake.script import PythonScript

_FORKS = multiprocessing.get_context("fork")
_REQUEST = 1 << 17  # bytes: a script's path, a directory and an environment


def snakemake(arguments: list[str]) -> None:
    """Do as Snakemake's command with ``arguments``; scripts of another Python run as ever."""
    sys.argv = ["snakemake", *arguments]
    requests, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # It forks from here on: this process is to have more than one thread.
    server = _FORKS.Process(target=_serve, args=(served, requests))
    server.start()
    served.close()
    as_ever = PythonScript.execute_script

    def execute_script(self: PythonScript, script: str, edit: bool = False) -> None:
        if self.conda_env is None and self.container_img is None:
            _run_in_fork(requests, script, self.bench_record)
        else:
            as_ever(self, script, edit)

    PythonScript.execute_script = execute_script
    try:
        main(arguments)
    finally:
        requests.close()
        server.join()


def _run_in_fork(requests: socket.socket, script: str, measured: BenchmarkRecord | None) -> None:
    """Let the server run a script as ``python script`` would, here and with this environment.

    Raises:
        subprocess.CalledProcessError: it ended with another status than 0.
    """
    status, answer = os.pipe()
    request = json.dumps([script, str(Path.cwd()), dict(os.environ)])
    socket.send_fds(requests, [request.encode()], [answer])
    os.close(answer)
    with os.fdopen(status, encoding="ascii") as told:
        process = int(told.readline())
        with benchmarked(process, measured) if measured else nullcontext():
            code = int(told.readline())
    if code:
        raise subprocess.CalledProcessError(code, [sys.executable, script])


def _serve(served: socket.socket, requests: socket.socket) -> None:
    """Fork for each request a process that waits for the script's and answers."""
    requests.close()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        request, answers, *_ = socket.recv_fds(served, _REQUEST, 1)
        if not request:  # Snakemake has ended
            return
        (answer,) = answers
        if os.fork() == 0:
            served.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            job = _FORKS.Process(target=_run, args=json.loads(request))
            job.start()
            os.write(answer, f"{job.pid}\n".encode())
            job.join()
            os.write(answer, f"{job.exitcode}\n".encode())
            os._exit(0)
        os.close(answer)


def _run(script: str, directory: str, environment: dict[str, str]) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    torch.set_num_threads(1)  # what each rule asks for, and a new torch would have read
    runpy.run_path(script, run_name="__main__")
