"""One formula for torch and numpy: which of the two an array belongs to.

Both spell the functions that geometry needs alike (``where``, ``arctan2``, ``arcsinh``, ``clip``,
``finfo``), but for the length of vectors. What is evaluated in numpy needs no torch, whose import
costs more time than most evaluations.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")


def namespace(array: Any) -> Any:
    """Return the module ``numpy`` for its arrays and numbers, ``torch`` for tensors."""
    if isinstance(array, np.ndarray | np.generic):
        return np
    import torch

    return torch


def length(vectors: Array) -> Array:
    """Return the Euclidean length of vectors ``(..., D)``, ``(...)``; its gradient is 0 at 0."""
    if isinstance(vectors, np.ndarray):
        # The checker does not see that Array is numpy's here.
        return np.asarray(np.linalg.norm(vectors, axis=-1))  # pyrefly: ignore[bad-return]
    import torch

    return torch.linalg.vector_norm(vectors, dim=-1)
