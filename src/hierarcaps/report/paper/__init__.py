"""The page of our numbers beside the published ones."""

__all__ = ["published_table"]
