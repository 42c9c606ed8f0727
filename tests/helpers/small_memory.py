"""A device whose memory ends: calls of more than some rows raise what a GPU raises."""

from collections.abc import Callable
from typing import Any

import torch

WORDS = "CUDA out of memory. Tried to allocate 2.00 GiB"


def small_memory(
    function: Callable[..., Any],
    most: int,
    rows: Callable[..., int] = lambda first, *_, **__: len(first),
) -> Callable[..., Any]:
    """Return ``function``, which fails where ``rows`` of its arguments are more than ``most``."""

    def limited(*arguments: Any, **options: Any) -> Any:
        if rows(*arguments, **options) > most:
            raise torch.OutOfMemoryError(WORDS)
        return function(*arguments, **options)

    return limited
