"""Pure functions of arrays: hierarchy, chains of texts, hubs, ranking, bootstrap intervals.

No model, no file, no torch.
"""

__all__ = ["chains", "hierarchy", "hubness", "intervals", "ranking"]
