"""Pure functions of arrays: hierarchy, chains of texts, ranking, bootstrap intervals.

No model, no file, no torch.
"""

__all__ = ["chains", "hierarchy", "intervals", "ranking"]
