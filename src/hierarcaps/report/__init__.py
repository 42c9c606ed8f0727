"""What people read: rendered notebooks, in one style, computed from result files alone.

A folder for each page; what several pages use lies here.
"""

__all__ = [
    "alignment",
    "dataset",
    "index",
    "markup",
    "paper",
    "qualitative",
    "render",
    "study",
    "tables",
    "zero_shot",
]
