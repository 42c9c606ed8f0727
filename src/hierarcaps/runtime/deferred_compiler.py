"""Importing what merely mentions torch's compiler, without the compiler."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def deferred_compiler() -> Iterator[None]:
    """Let what is imported within fetch torch's compiler when it is called, and not before.

    The compiler takes longer to import than torch itself. torchvision fetches a function of it for
    an operator of detection, and timm marks functions that it shall leave alone; a job that only
    embeds needs neither. What was imported within does as it would have done otherwise. Where the
    compiler is imported already there is nothing to save.
    """
    import torch.compiler

    name = "torch._dynamo.utils"
    if name in sys.modules:
        yield
        return
    disable = torch.compiler.disable
    utils = ModuleType(name)
    utils.__getattr__ = _deferred  # type: ignore[method-assign]
    sys.modules[name] = utils
    torch.compiler.disable = _disable
    try:
        yield
    finally:
        torch.compiler.disable = disable
        if sys.modules.get(name) is utils:
            del sys.modules[name]


def _deferred(function: str) -> object:
    """Return a function of the compiler's that looks for itself when it is called."""
    if function.startswith("__"):  # asked by the import system, not for a function
        raise AttributeError(function)

    def call(*arguments: object, **options: object) -> object:
        import torch._dynamo.utils

        return getattr(torch._dynamo.utils, function)(*arguments, **options)

    return call


def _disable(function=None, recursive=True, *, reason=None):  # type: ignore[no-untyped-def]
    """Do as ``torch.compiler.disable``, on the function's first call."""
    import torch

    return torch._disable_dynamo(function, recursive)
