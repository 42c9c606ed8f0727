"""The page on the generated hierarchies: the datasheet, step by step."""

__all__ = ["datasheet", "figures", "findings", "tables"]
