"""A GPU too small: smaller batches, one line that says so, and a sentence where nothing fits."""

import numpy as np
import pytest
import torch
from small_memory import WORDS, small_memory

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.halving import Halving, Parts, is_of_gpu, is_out_of_memory


def halve(batches, most, **options):
    halving = Halving("embedding images", **options)
    sizes = []

    def double(part):
        sizes.append(len(part))
        return [2 * each for each in part]

    limited = small_memory(double, most)
    found = [pair for batch in batches for pair in halving(limited, batch)]
    return found, sizes


@pytest.mark.parametrize("most", [1, 2, 3, 7, 100])
def test_parts_come_in_order_whatever_fits(most):
    batches = [list(range(7)), list(range(7, 12)), [12]]
    found, sizes = halve(batches, most)
    assert [each for part, _ in found for each in part] == [*range(13)]
    assert [each for _, result in found for each in result] == [*range(0, 26, 2)]
    assert max(sizes) <= most


def test_later_batches_begin_with_what_fitted_and_it_is_said_once(capsys):
    halving = Halving("embedding images")
    tried = []
    limited = small_memory(list, 3)
    for _ in range(5):
        list(halving(lambda part: tried.append(len(part)) or limited(part), range(12)))
    assert tried[:2] == [12, 6]
    assert all(size <= 3 for size in tried[2:])
    assert capsys.readouterr().err.splitlines() == [
        "embedding images: memory does not hold 12 at once, goes on with 3"
    ]


def test_a_batch_of_longer_rows_is_halved_by_its_cost():
    halving = Halving("texts", cost=lambda rows: len(rows) * max(rows))
    cost = lambda rows: len(rows) * max(rows)  # noqa: E731
    tried = []
    limited = small_memory(list, 20, rows=cost)
    for batch in ([2] * 10, [3] * 10, [7] * 10):
        list(halving(lambda part: tried.append(cost(part)) or limited(part), batch))
    assert [each for each in tried if each > 20] == [30]


def test_one_row_too_large_is_a_sentence():
    with pytest.raises(InputError, match=rf"^H: memory does not hold a batch of one \({WORDS}"):
        list(Halving("H")(small_memory(list, 0), [1, 2, 3]))
    with pytest.raises(InputError, match=r"^alignment: memory does not hold a batch of one"):
        Parts("alignment")(small_memory(int, 0, rows=lambda parts: 1), 8)


def test_other_errors_are_their_own():
    def broken(part):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        list(Halving("H")(broken, [1, 2]))
    with pytest.raises(RuntimeError, match="mat1"):
        Parts("H")(broken, 8)


def test_what_torch_says_of_memory_is_understood():
    for words in (
        "MPS backend out of memory (MPS allocated: 9.00 GB)",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory",
    ):
        assert is_out_of_memory(RuntimeError(words))
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60)
    assert is_out_of_memory(raised.value)
    assert not is_of_gpu(raised.value)
    assert is_of_gpu(torch.OutOfMemoryError(WORDS))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_gradients_are_begun_anew_in_more_parts(capsys):
    parts = Parts("alignment")
    limited = small_memory(lambda number: number, 3, rows=lambda number: 8 // number)
    assert [parts(limited, 8), parts(limited, 8), parts(limited, 2 * 8)] == [4, 4, 4]
    assert capsys.readouterr().err.splitlines() == [
        "alignment: memory does not hold a batch at once, goes on in 4 parts, to the same steps"
    ]
    assert np.isclose(Parts("x")(lambda number: 1.0 / number, 8), 1.0)
