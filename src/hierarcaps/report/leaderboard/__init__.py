"""The leaderboard's page: ranks that noise allows, values with intervals, what each model is."""

__all__ = ["board", "figures", "findings", "tables"]
