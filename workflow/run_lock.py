"""What a killed run leaves behind, and who else works in this directory.

Snakemake writes lock files when a run begins and removes them when it ends; after `kill -9` or a
power loss they stay, and only `--unlock` would remove them. Every Snakemake process of this
workflow holds a shared advisory lock for as long as it lives, which the kernel releases whatever
ends it. So a process that gets the lock for itself alone knows that the lock files are nobody's.
(The locks of ``filelock`` are exclusive, or a database's; this one is shared, and changes its kind
without being let go.)
"""

import contextlib
import errno
import fcntl
import os
import select
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

FOLDER = Path(".snakemake")
RUNNING = "running-jobs"
RUN_VARIABLE = "HIERARCAPS_RUN"
GRACE_SECONDS = 2.0
ROOM = 10_000_000  # bytes that Snakemake's own records need at the least


def enter(directory: str | Path = ".") -> IO[str]:
    """Hold the directory until this process ends, and remove lock files that nobody holds.

    Args:
        directory: where Snakemake runs.

    Returns:
        The held file, to be kept open.

    Raises:
        OSError: the directory cannot be written, or its disk is full.
    """
    folder = Path(directory) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    held = (folder / "run.lock").open("a+", encoding="utf-8")
    stale = [*(folder / "locks").glob("*.lock")]
    if stale:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"Another run is at work in {Path(directory).resolve()} ({_owner(held)}): wait for "
                "it, or stop it: with Ctrl-C, or with `kill`, which lets its jobs at work finish. "
                "Until then this one can only look.",
                file=sys.stderr,
            )
        except OSError:  # a file system without such locks: Snakemake's own files decide
            return held
        else:
            for file in [*stale, *(folder / RUNNING).glob("*")]:
                file.unlink(missing_ok=True)
            print("A run here was killed; its locks are removed.", file=sys.stderr)
    with contextlib.suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.environ[RUN_VARIABLE] = f"{socket.gethostname()} {os.getpid()}"
    return held


def _owner(held: IO[str]) -> str:
    held.seek(0)
    return held.read().strip() or "process unknown"


def sign(held: IO[str]) -> None:
    """Write who is at work into the held file; called when a run begins."""
    held.truncate(0)
    held.write(f"process {os.getpid()} on {socket.gethostname()}")
    held.flush()


def end_with_run() -> None:
    """End this job when the run that started it is gone, so that no run meets another's jobs.

    Does nothing for jobs on other hosts and where the system cannot tell.
    """
    host, _, process = os.environ.get(RUN_VARIABLE, "").partition(" ")
    if host != socket.gethostname() or not hasattr(os, "pidfd_open"):
        return
    try:
        run = os.pidfd_open(int(process))
    except OSError:
        return
    threading.Thread(target=_wait, args=(run,), daemon=True).start()


def _wait(run: int) -> None:
    watch = select.poll()
    watch.register(run, select.POLLIN)
    watch.poll()
    # A job cleans up on SIGTERM; SIGINT is ignored in what nohup or a script's `&` has started.
    # One that does not listen ends all the same.
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)


@contextlib.contextmanager
def noted(name: str) -> Iterator[None]:
    """Keep a note of a job while it works: a note that is left tells of a job that was killed."""
    note = FOLDER / RUNNING / f"{socket.gethostname()} {os.getpid()}"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(name, encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def tell_killed_jobs() -> None:
    """Say which jobs ended without a word; called when a run has failed."""
    for note in sorted((FOLDER / RUNNING).glob("*")):
        host, _, process = note.name.rpartition(" ")
        if host == socket.gethostname() and not Path("/proc", process).exists():
            print(
                f"Error: {note.read_text(encoding='utf-8')}: was killed. Most often the system ran "
                "out of memory: run fewer jobs at once (--cores N, or --resources mem_mb=N for "
                "the machine), then start the same command again; what is finished stays.",
                file=sys.stderr,
            )
            note.unlink(missing_ok=True)
