"""The servers of :mod:`forks`, one for each program: ``fork_server.py PATH OWNER``.

They listen at ``PATH-PROGRAM``, as it says once, and import what forks of that program need alone:
the more a process holds, the longer it takes to fork.
"""

import ast
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path

import psutil
from forks import PROGRAMS, Fork

SOURCE = Path(__file__).resolve().parents[2] / "src"
# But the package, which may be that of another checkout.
IMPORTED = {
    "snakemake": (
        "jsonschema", "pulp", "requests", "snakemake.cli", "snakemake.report.html_reporter",
    ),
    "script": (
        "duckdb", "matplotlib.figure", "mlflow", "mlflow.store.tracking.sqlalchemy_store",
        "nbconvert", "pandas", "papermill", "pyarrow.dataset", "scipy.optimize", "scipy.stats",
        "torchvision.transforms", "open_clip", "transformers.models.auto.modeling_auto",
        "transformers.models.bert.modeling_bert", "transformers.models.clip.modeling_clip",
        "transformers.models.llama.modeling_llama",
    ),
    "kernel": (
        "ipykernel.debugger", "ipykernel.kernelapp", "matplotlib.backends.backend_svg",
        "matplotlib.figure", "pandas", "pyarrow.dataset", "scipy.stats",
    ),
}  # fmt: skip
_FORKS = multiprocessing.get_context("fork")


def main() -> None:
    """Serve while the owner lives."""
    path, owner = Path(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; there are forks to wait for
    servers = []
    for program in IMPORTED:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(f"{path}-{program}")
            listener.listen()
            servers.append(_FORKS.Process(target=_serve, args=(program, listener, owner)))
            servers[-1].start()
    print("listening", flush=True)
    for server in servers:
        server.join()
    for place in path.parent.glob(f"{path.name}[-.]*"):
        place.unlink()


def _serve(program: str, listener: socket.socket, owner: int) -> None:
    """Attend to each connection, which asks for one fork, until its fork has ended."""
    _import(program)
    attended: list[_Attended] = []
    while _is_alive(owner):
        awaited = [each for one in attended for each in one.awaited]
        ready = set(wait([listener, *awaited], timeout=1))
        for one in [one for one in attended if ready.intersection(one.awaited)]:
            if one.process.sentinel in ready:
                one.end()
                attended.remove(one)
            else:
                one.hear()
        if listener in ready:
            connection, _ = listener.accept()
            others = [listener, *(one.connection for one in attended)]
            with suppress(ValueError, ConnectionResetError):  # who asked was gone before the end
                attended.append(_Attended(program, connection, others))
    for one in attended:
        one.process.kill()


def _is_alive(process: int) -> bool:
    try:
        # What has ended stays until all who have its streams close them, the servers among them.
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _import(program: str) -> None:
    gc.disable()  # neither here nor in a fork is garbage to be looked for among modules
    if program == "snakemake":
        # Each plan looks through the package's modules for what they import.
        ast.parse = cache(ast.parse)
        for module in SOURCE.rglob("*.py"):
            ast.parse(module.read_text(encoding="utf-8"))
    if program == "kernel":
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # nobody will debug it
    if program == "script":
        from hierarcaps.runtime import torch_setup

        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # as a job sets it before its import
        torch_setup.declare_torchvision_ops()
        sys.modules["declares torchvision's operators while it is here"] = torch_setup
    for name in IMPORTED[program]:
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hierarcaps"]:
        del sys.modules[name]
    gc.freeze()
    gc.enable()


class _Attended:
    """A connection and the fork that it asked for."""

    def __init__(
        self, program: str, connection: socket.socket, others: Sequence[socket.socket]
    ) -> None:
        """Make the fork, which begins when it is waited for; it lets go of the others' sockets."""
        size, streams, *_ = socket.recv_fds(connection, 4, 3)
        with connection.makefile("rb") as asked:
            request = json.loads(asked.read(int.from_bytes(size)))
        self.connection = connection
        self._begin = _FORKS.Event()
        sockets = [*others, connection]
        arguments = (program, streams, sockets, self._begin, *request)
        self.process = _FORKS.Process(target=_run, args=arguments)
        self.process.start()
        self.awaited = [self.process.sentinel, connection]
        for stream in streams:
            os.close(stream)
        self._tell(self.process.pid)

    def hear(self) -> None:
        """Let the fork begin, or end it where who asked for it is gone."""
        heard = b""
        with suppress(ConnectionResetError):
            heard = self.connection.recv(1)
        if heard:
            self._begin.set()
        else:
            self.process.kill()
            self.awaited.remove(self.connection)

    def end(self) -> None:
        """Tell the exit status."""
        self.process.join()
        self._tell(self.process.exitcode)
        self.connection.close()

    def _tell(self, number: int | None) -> None:
        with suppress(BrokenPipeError):
            self.connection.send(f"{number}\n".encode())


def _run(
    program: str,
    streams: Sequence[int],
    sockets: Sequence[socket.socket],
    begin,
    arguments: list[str],
    directory: str,
    environment: dict[str, str],
    cores: list[int],
) -> None:
    for each in sockets:
        each.close()
    begin.wait()
    if cores:
        os.sched_setaffinity(0, cores)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *arguments]
    _PROGRAMS[program](arguments)


def _snakemake(arguments: list[str]) -> None:
    """Do as Snakemake's command, with forks for jobs; those of another Python are as ever."""
    from snakemake import benchmark
    from snakemake.cli import main
    from snakemake.script import PythonScript

    as_ever = PythonScript.execute_script

    def execute_script(self: PythonScript, script: str, edit: bool = False) -> None:
        if self.conda_env is None and self.container_img is None:
            _run_job(script, self.bench_record)
        else:
            as_ever(self, script, edit)

    PythonScript.execute_script = execute_script
    # A fork's memory is mostly the server's, of which to add up the pages takes long.
    benchmark.BENCHMARK_INTERVAL_SHORT = benchmark.BENCHMARK_INTERVAL
    main(arguments)


def _run_job(script: str, measured) -> None:
    """Run a script as ``python script`` would, and measure it as Snakemake does.

    Raises:
        subprocess.CalledProcessError: it ended with another status than 0.
    """
    from snakemake.benchmark import benchmarked

    path = os.pathsep.join(filter(None, [str(PROGRAMS), os.environ.get("PYTHONPATH")]))
    job = Fork("script", [script], Path.cwd(), {**os.environ, "PYTHONPATH": path})
    with benchmarked(job.process, measured) if measured else nullcontext():
        code = job.wait()
    if code:
        raise subprocess.CalledProcessError(code, [sys.executable, script])


def _script(arguments: list[str]) -> None:
    import torch

    (script,) = sys.argv = arguments
    sys.path.insert(0, str(Path(script).parent))
    torch.set_num_threads(1)  # what each rule asks for, and a new torch would have read
    runpy.run_path(script, run_name="__main__")


def _kernel(_arguments: list[str]) -> None:
    from ipykernel.kernelapp import launch_new_instance

    # That of the job's checkout.
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    launch_new_instance()


_PROGRAMS = {"snakemake": _snakemake, "script": _script, "kernel": _kernel}

if __name__ == "__main__":
    main()
