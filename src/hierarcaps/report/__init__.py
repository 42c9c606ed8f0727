"""What people read: rendered notebooks, in one style, computed from result files alone.

A folder for each page; what several pages use lies here. No page's folder uses another's.
"""

__all__ = [
    "alignment",
    "changes",
    "dataset",
    "index",
    "leaderboard",
    "markup",
    "paper",
    "qualitative",
    "render",
    "study",
    "tables",
    "zero_shot",
]
