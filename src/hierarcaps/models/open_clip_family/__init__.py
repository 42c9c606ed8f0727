"""Models of open_clip: loading, packed text towers, saving, export to transformers' format."""

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

declare_torchvision_ops()  # before any module of this package imports open_clip or transformers

__all__ = ["encoder", "export", "packing", "save", "source"]
