"""What is measured and trained on: caption hierarchies, images, published files, class trees.

Reading, checking and writing; ``leakage`` keeps test images out of every training.
"""

__all__ = [
    "captions", "class_tree", "decoding", "downloads", "held_out", "hierarchy", "image_sets",
    "images", "leakage", "mirror", "names", "official", "tables",
]  # fmt: skip
