"""Contrastive image-text models behind one protocol (``encoder``), a folder for each family.

``registry`` opens a model by its entry in the parameters; ``embed`` makes the embeddings that all
tasks read (``embeddings``).
"""

__all__ = [
    "embed",
    "embedding_needs",
    "embeddings",
    "encoder",
    "entry",
    "export",
    "hub",
    "meru_family",
    "open_clip_family",
    "packing",
    "registry",
    "remote",
    "roots",
    "save",
    "sentence_family",
    "transformers_family",
]
