"""CLIP-like models of transformers: loading, training and saving."""

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

declare_torchvision_ops()  # before any module of this package imports open_clip or transformers

__all__ = ["encoder", "packing", "save", "source", "tokens"]
