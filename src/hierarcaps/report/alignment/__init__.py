"""The page on alignment: what RE and EC change, and at what cost."""

__all__ = ["figures", "findings", "geometry", "hubs", "tables", "variants"]
