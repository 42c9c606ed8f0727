"""The page on emergence: models as pre-trained, beside untrained ones and baselines."""

__all__ = ["figures", "findings", "length", "plane", "roots"]
