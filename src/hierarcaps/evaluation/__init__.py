"""Evaluation of embeddings: tasks, trivial baselines, paired differences, result files."""

__all__ = [
    "baselines",
    "compare",
    "cost",
    "describe",
    "differences",
    "examples",
    "leaderboard",
    "own_data",
    "probe",
    "published",
    "results",
    "tasks",
]
