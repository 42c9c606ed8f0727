"""The page on the data set: what became of the captions, and how good the items are."""

__all__ = ["figures", "findings", "sheet", "tables", "yields"]
