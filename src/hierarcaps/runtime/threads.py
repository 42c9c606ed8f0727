"""Work in threads: results in order, bounded in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    ahead: int | None = None,
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed by threads.

    Args:
        function: what it raises is raised in its item's turn; items behind it are left alone.
        items: are taken as they are needed.
        threads: at least one.
        ahead: items begun before their turn, at most; two a thread, if not told.
    """
    ahead = 2 * threads if ahead is None else ahead
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # After an error or an interruption, only what has begun is waited for.
            for future in pending:
                future.cancel()


@contextmanager
def threads_of_torch(number: int | None) -> Iterator[int]:
    """Let each operation of torch use ``number`` threads meanwhile (None changes nothing).

    Where threads of our own compute a batch each, operations that are cut up among threads as well
    wait for one another. A result does not depend on the number of cores then.

    Yields:
        How many threads torch had before.
    """
    import torch

    before = torch.get_num_threads()
    if number is None:
        yield before
        return
    torch.set_num_threads(number)
    try:
        yield before
    finally:
        torch.set_num_threads(before)
