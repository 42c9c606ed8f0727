"""Models of open_clip: loading, packed text towers, saving, export to transformers' format."""

from hierarcaps.runtime.deferred_compiler import deferred_compiler
from hierarcaps.runtime.torch_setup import declare_torchvision_ops

# Before any module of this package imports open_clip or transformers.
declare_torchvision_ops()
with deferred_compiler():
    import open_clip  # noqa: F401

__all__ = ["encoder", "export", "packing", "save", "source"]
