"""What is freed is kept, where the C library is glibc."""

import ctypes
import platform
import subprocess
import sys

import pytest

from hierarcaps.runtime import allocator

# Three blocks of 24 MB, written to and freed, as the tensors of a layer are: pages that the system
# had to map for it, after a first time.
BLOCKS = """
import ctypes, resource, sys
from hierarcaps.runtime.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def layer():
    blocks = [libc.malloc(24 << 20) for _ in range(3)]
    for block in blocks:
        libc.memset(block, 1, 24 << 20)
    for block in blocks:
        libc.free(block)
layer()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    layer()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")


def pages(*arguments: str) -> int:
    command = [sys.executable, "-c", BLOCKS, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@glibc
def test_freed_memory_is_not_mapped_anew():
    kept = pages("keep")
    assert kept < 100
    assert pages("as it is") > 3 * kept


@pytest.mark.parametrize("variable", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_a_user_has_set_stays(monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("asked for"))
    assert not allocator.keep_freed_memory()


def test_other_c_libraries_are_left_alone(monkeypatch):
    class Other:
        def mallopt(self, option, size):
            pytest.fail("told")

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Other())
    assert not allocator.keep_freed_memory()

    def absent(name):
        raise TypeError

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert not allocator.keep_freed_memory()
