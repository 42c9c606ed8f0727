"""Caption hierarchies by a language model, an NLI filter and a distilled model H (``steps``),
or of captions of one's own, without H (``own_data``).
"""

__all__ = ["own_data", "steps"]
