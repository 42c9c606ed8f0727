"""Linear layers in single precision by oneDNN, which uses the whole width of any processor.

torch multiplies matrices of single precision by MKL, which on processors that are not Intel's uses
half of their vector registers; it has oneDNN too, for convolutions and half precision. Results
differ in rounding alone.
"""

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

# For less, preparing oneDNN for a shape that it has not seen costs more than it gains: where nearly
# every batch has another number of rows, and where there are a few lengths of text.
_ANY_SHAPE = 2**25
_FEW_SHAPES = 2**20

_linear_of_torch = F.linear
_lock = threading.Lock()
_users = 0
_least_products = _ANY_SHAPE
_fast_path_before = True


@contextmanager
def linear_by_onednn(device: torch.device, few_shapes: bool = False) -> Iterator[None]:
    """Let oneDNN compute linear layers on the CPU meanwhile, in all threads, and their gradients.

    On x86 processors, in builds of torch that have it, unless ``torch.backends.mkldnn`` has been
    told not to; else nothing changes.

    Args:
        device: where the model is; on any but the CPU nothing changes.
        few_shapes: batches have one of a few sizes; smaller products pay then.
    """
    if device.type != "cpu" or not _can():
        yield
        return
    _enter(_FEW_SHAPES if few_shapes else _ANY_SHAPE)
    try:
        yield
    finally:
        _leave()


def _can() -> bool:
    return (
        platform.machine().lower() in ("x86_64", "amd64")
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _enter(least_products: int) -> None:
    global _users, _least_products, _fast_path_before
    with _lock:
        _least_products = min(least_products, _least_products) if _users else least_products
        if _users == 0:
            # The fused attention of torch multiplies by itself.
            _fast_path_before = torch.backends.mha.get_fastpath_enabled()
            torch.backends.mha.set_fastpath_enabled(False)
            F.linear = _linear
        _users += 1


def _leave() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            torch.backends.mha.set_fastpath_enabled(_fast_path_before)
            F.linear = _linear_of_torch


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As :func:`torch.nn.functional.linear`."""
    if (
        input.dtype == weight.dtype == torch.float32
        and input.device.type == weight.device.type == "cpu"
        and input.dim() > 1
        and weight.dim() == 2
        and input.numel() * len(weight) >= _least_products
    ):
        # Flat, so that no view leaves the function: models divide parts of it in place.
        rows = _Linear.apply(input.flatten(0, -2), weight, bias)
        return rows.unflatten(0, input.shape[:-1])
    return _linear_of_torch(input, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    # pyrefly: ignore[bad-override]: the decorator's type has no names of parameters
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if of_x else None,
            _product(gradient.t(), x.t()) if of_weight else None,
            gradient.sum(dim=0) if of_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias`` (R, N) for (R, K) and (N, K)."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
