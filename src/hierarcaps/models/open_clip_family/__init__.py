"""Models of open_clip: loading, packed text towers, saving, export to transformers' format."""

from hierarcaps.runtime.deferred_imports import deferred_imports
from hierarcaps.runtime.torch_setup import declare_torchvision_ops

# Before any module of this package imports open_clip or transformers.
declare_torchvision_ops()
# What few models need and all together takes longer to import than torch: text towers of
# transformers, image towers of timm, and torch's compiler for an operator of torchvision's.
with deferred_imports("transformers", "timm", "torch._dynamo.utils"):
    import open_clip  # noqa: F401

__all__ = ["encoder", "export", "packing", "save", "source"]
