"""What every job shares: its threads, its GPU, its log file and how it tells why it failed."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

# Per-rule environments hold the dependencies; the package itself comes from the checkout, also for
# the processes that a job starts (the kernel of a notebook).
CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = str(CHECKOUT / "src")
sys.path[:0] = [SOURCE, str(CHECKOUT / "workflow")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))
# Byte code is kept whatever the environment says: without it each job compiles torch and open_clip
# anew, 12 s. Where it cannot be written Python goes on without.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


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


def _stop(*_: Any) -> None:
    raise SystemExit(143)  # as the shell counts SIGTERM


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run a job's work: output to console and log, one sentence and exit 1 on a user's error.

    Import numerical libraries inside the block: their thread count is read when they load, and
    torch sees the GPU that the job was lent.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(snakemake.threads)
    from run_lock import end_with_run, noted

    from hierarcaps.runtime.allocator import keep_freed_memory
    from hierarcaps.runtime.errors import InputError
    from hierarcaps.runtime.gpu_lease import lease
    from hierarcaps.runtime.halving import is_of_gpu, is_out_of_memory

    keep_freed_memory()
    # Looking for garbage among the modules of torch takes nearly a second of the processor: a third
    # of that while they are imported, the rest at the end.
    gc.set_threshold(10_000)
    signal.signal(signal.SIGTERM, _stop)
    end_with_run()
    name = ": ".join([snakemake.rule, ", ".join(snakemake.wildcards)])
    resources = snakemake.resources
    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        sys.stdout, sys.stderr = _Tee(sys.__stdout__, log), _Tee(sys.__stderr__, log)
        try:
            print(name, file=sys.stderr)
            memory = f"mem_mb={resources.get('mem_mb', 'not stated')}"
            with noted(f"{name} ({memory})"), lease(resources.get("gpu", 0)):
                yield
        except InputError as error:
            print(f"Error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            print(f"{name}: interrupted", file=sys.stderr)
            raise SystemExit(130) from None
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            advice = (
                f"give it more (--set-resources {snakemake.rule}:mem_mb=N), or run fewer at once"
            )
            if is_of_gpu(error):
                advice = "the GPU is too small for the model, see docs/gpu_memory.md"
            print(f"Error: {name}: out of memory ({error}); {advice}", file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            gc.freeze()
