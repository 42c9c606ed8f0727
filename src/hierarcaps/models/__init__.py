"""Contrastive image-text models behind one protocol.

Every module of this package uses torch, most of them open_clip or transformers: what makes these
importable everywhere is done here, before any of them.
"""

from hierarcaps.torch_setup import declare_torchvision_ops

declare_torchvision_ops()
