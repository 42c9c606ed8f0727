"""The page of our numbers beside the published ones."""

__all__ = ["claims", "published_table"]
