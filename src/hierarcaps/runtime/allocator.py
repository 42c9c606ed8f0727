"""The C library's allocator, told that large blocks will be asked for again."""

import ctypes
import os

# Options of glibc's mallopt, by their numbers in malloc.h: blocks below 32 MiB (the most that it
# allows) come from the heap, which keeps up to 512 MiB of what is freed; all threads share one.
_OPTIONS = {-3: 32 << 20, -1: 512 << 20, -8: 1}
_VARIABLES = ("MALLOC_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed, and return whether it will.

    Of itself glibc gives the memory of large tensors back to the system, which maps and clears it
    anew for the next operation. For processes of our own, before their threads start; what a user
    has set in the environment stays, and other C libraries are left alone.
    """
    if any(name.startswith(_VARIABLES) for name in os.environ):
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - other C libraries have no such function
        return all(library.mallopt(option, size) for option, size in _OPTIONS.items())
    except (OSError, TypeError, AttributeError):
        return False
