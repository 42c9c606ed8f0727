"""Radii and exterior angles: on the unit sphere, on MERU's hyperboloid, and which a model is in.

``sphere`` and ``lorentz`` take tensors or numpy arrays; ``spaces`` is the one interface for
embeddings of either.
"""

__all__ = ["lorentz", "spaces", "sphere"]
