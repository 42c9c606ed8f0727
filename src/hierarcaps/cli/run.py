"""From arguments to an exit status: errors of a user are one sentence, and no traceback."""

import os
import sys
from collections.abc import Sequence

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.halving import is_out_of_memory

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
_OF_EXPORT = ("huggingface_hub", "mlcroissant", "rocrate")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Returns:
        0; 1, after one sentence on standard error, for input that the user can correct; 2 for a
        command, argument or option that does not exist; 130 for an interruption (Ctrl-C).
    """
    try:
        from hierarcaps.cli.app import app
        from hierarcaps.runtime.allocator import keep_freed_memory

        keep_freed_memory()

        app(None if arguments is None else list(arguments), prog_name="hierarcaps")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else FAILED
        if status == INTERRUPTED:
            return _fail("Interrupted: no file is left half-written", INTERRUPTED)
        return status
    except KeyboardInterrupt:
        return _fail("Interrupted: no file is left half-written", INTERRUPTED)
    except InputError as error:
        return _fail(f"Error: {error}")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return _fail(f"Error: out of memory ({one_line(error)}), see docs/gpu_memory.md")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("hierarcaps"):
            raise
        package = error.name.partition(".")[0]
        extra = "of the model's family, hierarcaps[openclip] or hierarcaps[transformers]"
        if package in _OF_EXPORT:
            extra = "export, hierarcaps[export]"
        return _fail(
            f"Error: the package {package} is not installed: install hierarcaps with the extra "
            f"{extra}"
        )
    return DONE


def hide_progress() -> None:
    """Show no bars of progress from here on, ours or another library's."""
    os.environ["TQDM_DISABLE"] = "1"


def _fail(sentence: str, status: int = FAILED) -> int:
    print(sentence, file=sys.stderr)
    return status
