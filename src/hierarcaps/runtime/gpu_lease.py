"""A GPU for one job alone: jobs of one machine take turns on its devices.

Schedulers that know GPUs (Slurm, Kubernetes) hand each job its own. A machine without one gives
every job all of its devices, and all jobs would take the first. A lease is an advisory lock on a
file per device, which the kernel releases when the job ends, however it ends.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

VISIBLE = "CUDA_VISIBLE_DEVICES"
FOLDER_VARIABLE = "HIERARCAPS_GPU_LOCKS"
POLL_SECONDS = 2.0


def devices() -> list[str]:
    """Return the UUIDs of the GPUs that this process may use; none where there is no driver.

    UUIDs, since a container or a scheduler's job numbers its devices from 0 again.
    """
    query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[field.strip() for field in line.split(",")] for line in answer.stdout.splitlines()]
    found = dict(rows)
    allowed = os.environ.get(VISIBLE)
    if allowed is None:
        return list(found.values())
    # What is no index is a UUID already, or a part of a device (MIG), which only has one.
    names = [name.strip() for name in allowed.split(",") if name.strip() not in ("", "-1")]
    return [found.get(name, name) for name in names]


@contextlib.contextmanager
def lease(
    count: int = 1, among: Sequence[str] | None = None, folder: str | Path | None = None
) -> Iterator[list[str]]:
    """Hold free GPUs, and let this process and those it starts see no other.

    Waits while fewer are free than wanted. Call it before torch is imported: CUDA reads which
    devices it may see once.

    Args:
        count: devices wanted; at most all there are.
        among: their UUIDs; those of :func:`devices` by default.
        folder: where the lock files are, one for all users of the machine. By default
            HIERARCAPS_GPU_LOCKS, else a folder of the system's temporary one.

    Yields:
        The held devices; none on a machine without a GPU, which is left as it is.
    """
    known = list(devices() if among is None else among)
    wanted = min(count, len(known))
    if wanted < 1:
        yield []
        return
    root = Path(folder or os.environ.get(FOLDER_VARIABLE) or _shared_folder())
    with contextlib.ExitStack() as held:
        taken = _take(known, wanted, root, held)
        before = os.environ.get(VISIBLE)
        os.environ[VISIBLE] = ",".join(taken)
        try:
            yield taken
        finally:
            os.environ.pop(VISIBLE)
            if before is not None:
                os.environ[VISIBLE] = before


def _shared_folder() -> Path:
    return Path(tempfile.gettempdir()) / "hierarcaps-gpu-locks"


def _take(known: Sequence[str], wanted: int, root: Path, held: contextlib.ExitStack) -> list[str]:
    """Lock the first free devices, all or none, so that no two jobs wait for each other."""
    told = False
    while True:
        attempt = contextlib.ExitStack()
        taken: list[str] = []
        for device in known:
            if len(taken) < wanted and (lock := _try_lock(root, device)):
                attempt.callback(lock.release)
                taken.append(device)
        if len(taken) == wanted:
            held.enter_context(attempt)
            return taken
        attempt.close()
        if not told:
            print(f"waiting for a free GPU of {len(known)}", file=sys.stderr)
            told = True
        time.sleep(POLL_SECONDS)


def _try_lock(root: Path, device: str) -> FileLock | None:
    root.mkdir(parents=True, exist_ok=True)
    # Another user of the machine must be able to lock what this one made.
    lock = FileLock(root / f"{device.replace('/', '-')}.lock", mode=0o666)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
