"""Sentence encoders in the layout of sentence-transformers: texts alone, without images."""

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

declare_torchvision_ops()  # before any module of this package imports transformers

__all__ = ["encoder", "source"]
