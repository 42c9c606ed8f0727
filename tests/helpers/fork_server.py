"""The server of :mod:`forks`: ``fork_server.py PATH OWNER`` says that it listens, and imports."""

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
from contextlib import nullcontext
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil
from forks import PROGRAMS, Fork

# What plans, jobs and kernels import, but the package, which may be that of another checkout.
IMPORTED = (
    "jsonschema", "pulp", "snakemake.cli",
    "duckdb", "pandas", "pyarrow.parquet", "scipy.optimize", "scipy.stats",
    "torchvision.transforms", "open_clip", "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert", "transformers.models.clip.modeling_clip",
    "transformers.models.llama.modeling_llama",
    "ipykernel.kernelapp", "matplotlib.figure", "nbconvert", "papermill",
)  # fmt: skip
_FORKS = multiprocessing.get_context("fork")


def main() -> None:
    """Fork for each connection a process that attends to it, while the owner lives."""
    path, owner = Path(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        print("listening", flush=True)
        try:
            _import()
            _serve(listener, owner)
        finally:
            path.unlink()
            Path(f"{path}.lock").unlink()


def _serve(listener: socket.socket, owner: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; it has forks to wait for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who attend
    while _is_alive(owner):
        if not wait([listener], timeout=1):
            continue
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _attend(connection)
            os._exit(0)
        connection.close()


def _is_alive(process: int) -> bool:
    try:
        # What has ended stays until all who have its streams close them, this server among them.
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _import() -> None:
    gc.disable()  # neither here nor in a fork is garbage to be looked for among modules
    from hierarcaps.runtime import torch_setup

    torch_setup.declare_torchvision_ops()
    sys.modules["declares torchvision's operators while it is here"] = torch_setup
    for name in IMPORTED:
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hierarcaps"]:
        del sys.modules[name]
    gc.freeze()
    gc.enable()


def _attend(connection: socket.socket) -> None:
    """Run a program, and end it where who asked for it is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, *_ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as asked:
        request = json.loads(asked.read(int.from_bytes(size)))
    awaited = _FORKS.Event()
    job = _FORKS.Process(target=_run, args=(streams, connection, awaited, *request))
    job.start()
    for stream in streams:
        os.close(stream)
    connection.send(f"{job.pid}\n".encode())
    if connection.recv(1):
        awaited.set()
    if job.sentinel not in wait([job.sentinel, connection]):
        job.kill()
    job.join()
    connection.send(f"{job.exitcode}\n".encode())


def _run(
    streams: Sequence[int],
    connection: socket.socket,
    awaited: Event,
    program: str,
    arguments: list[str],
    directory: str,
    environment: dict[str, str],
    cores: list[int],
) -> None:
    connection.close()
    awaited.wait()
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
    from snakemake.cli import main
    from snakemake.script import PythonScript

    as_ever = PythonScript.execute_script

    def execute_script(self: PythonScript, script: str, edit: bool = False) -> None:
        if self.conda_env is None and self.container_img is None:
            _run_job(script, self.bench_record)
        else:
            as_ever(self, script, edit)

    PythonScript.execute_script = execute_script
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
