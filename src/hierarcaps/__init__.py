"""Emergent visual-semantic hierarchies in image-text models, as a reproducible workflow."""

__version__ = "0.1.0"
