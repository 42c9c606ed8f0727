"""What every job shares: its threads, its log file and how it tells a user's error."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

# Per-rule environments hold the dependencies; the package itself comes from the checkout, also for
# the processes that a job starts (the kernel of a notebook).
SOURCE = str(Path(__file__).resolve().parents[2] / "src")
sys.path.insert(0, SOURCE)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))


class _Tee:
    """Writes to the console and to the log."""

    def __init__(self, *streams: TextIO):
        self.streams = streams

    def write(self, text: str) -> int:
        for stream in self.streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self.streams:
            stream.flush()

    def isatty(self) -> bool:
        return False


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a job's work: output to console and log, one sentence and exit 1 on a user's error.

    Import numerical libraries inside the block: their thread count is read when they load.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(snakemake.threads)
    from hierarcaps.errors import InputError

    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        sys.stdout, sys.stderr = _Tee(sys.__stdout__, log), _Tee(sys.__stderr__, log)
        try:
            print(": ".join([snakemake.rule, ", ".join(snakemake.wildcards)]), file=sys.stderr)
            yield
        except InputError as error:
            print(f"Error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
