"""Caption hierarchies by a language model, an NLI filter and a distilled model H (``steps``)."""

__all__ = ["steps"]
