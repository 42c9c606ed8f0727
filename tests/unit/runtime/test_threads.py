import threading
import time

import pytest
import torch

from hierarcaps.runtime.threads import in_threads, threads_of_torch


@pytest.mark.parametrize("threads", [1, 3])
def test_results_are_in_order_and_few_are_ahead(threads):
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    def slow_for_even(number):
        time.sleep(0.002 * (number % 2 == 0))
        return number * number

    for count, result in enumerate(in_threads(slow_for_even, items(), threads, ahead=4)):
        assert result == count * count
        assert len(taken) <= count + 1 + 4
    assert count == 19


def test_an_error_comes_in_its_turn_and_ends_what_follows():
    done = []

    def work(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)
        return number

    results = in_threads(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert len(done) < 12
    assert threading.active_count() < 10


def test_a_reader_that_stops_leaves_nothing_running():
    results = in_threads(lambda number: number, range(1000), 2)
    assert next(results) == 0
    before = threading.active_count()
    results.close()
    assert threading.active_count() <= before - 1


def test_threads_of_torch_are_as_before():
    before = torch.get_num_threads()
    with threads_of_torch(1) as had:
        assert had == before
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with threads_of_torch(None):
        assert torch.get_num_threads() == before
