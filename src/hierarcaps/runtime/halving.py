"""Batches that the memory of a GPU does not hold, computed or trained on in smaller ones."""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

from hierarcaps.runtime.errors import InputError, one_line

# Of torch on a GPU, its libraries, and on a CPU of Linux and Windows.
_WORDS = ("out of memory", "ALLOC_FAILED", "allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or not; torch is not imported."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def is_of_gpu(error: BaseException) -> bool:
    """Return whether it was the memory of a GPU that :func:`is_out_of_memory` means."""
    return type(error).__name__ == "OutOfMemoryError" or "CU" in str(error)


class Halving:
    """Computes batches; one that memory does not hold in halves, and from then on so.

    What is computed of a row must not depend on those beside it. Standard error says once that
    batches became smaller.

    Args:
        task: what is computed, for the sentences, e.g. ``embedding images``.
        cost: what a batch takes of the memory, in any unit; its rows, unless padding counts.
    """

    def __init__(self, task: str, cost: Callable[[Any], float] = len) -> None:
        self.task = task
        self._cost = cost
        self._most = math.inf
        self._unsaid: int | None = None

    def __call__(self, compute: Callable[[Any], Any], batch: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the parts of a batch, in order, each with what ``compute`` makes of it.

        Args:
            compute: of a part; what it does before memory runs out is done again.
            batch: with a length, and cut by slices: a sequence, an array or a tensor.

        Raises:
            InputError: memory does not hold a single row.
        """
        parts = [batch]
        while parts:
            part = parts.pop()
            reason = None
            if self._cost(part) <= self._most or len(part) == 1:
                try:
                    result = compute(part)
                except (MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                    reason = one_line(error)
                else:
                    self._say(len(part))
                    yield part, result
                    continue
                # Not in the clause above, whose error holds on to the tensors of the failed try.
                release()
            if len(part) == 1:
                raise InputError(too_large(self.task, reason))
            half = part[: -(-len(part) // 2)]
            if reason:
                self._most = self._cost(half)
                self._unsaid = self._unsaid or len(part)
            parts += [part[len(half) :], half]

    def _say(self, size: int) -> None:
        if self._unsaid:
            print(
                f"{self.task}: memory does not hold {self._unsaid} at once, goes on with {size}",
                file=sys.stderr,
            )
            self._unsaid = None


class Parts:
    """Computes the gradients of a batch in as many parts as memory asks for.

    Args:
        task: what is trained, for the sentences.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.number = 1

    def __call__(self, gradients: Callable[[int], Any], size: int) -> Any:
        """Return ``gradients(number of parts)``, begun anew with twice as many where memory ends.

        Args:
            gradients: computes them from nothing; the same, up to rounding, for any number.
            size: most parts that there can be.

        Raises:
            InputError: memory does not hold the smallest part.
        """
        first = self.number
        while True:
            try:
                result = gradients(min(self.number, size))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = one_line(error)
            else:
                if self.number > first:
                    sentence = f"memory does not hold a batch at once, goes on in {self.number}"
                    print(f"{self.task}: {sentence} parts, to the same steps", file=sys.stderr)
                return result
            release()
            if self.number >= size:
                raise InputError(too_large(self.task, reason))
            self.number *= 2


def too_large(task: str, reason: str | None) -> str:
    """Return the sentence for a task of which not even one row fits."""
    return (
        f"{task}: memory does not hold a batch of one ({reason}); expected a GPU with more memory, "
        "or none (CUDA_VISIBLE_DEVICES=-1)"
    )


def release() -> None:
    """Give back to the GPU what torch keeps for later."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
