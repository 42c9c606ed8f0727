"""Evaluation of embeddings: tasks, trivial baselines, paired differences, result files."""

__all__ = [
    "baselines",
    "cost",
    "differences",
    "examples",
    "leaderboard",
    "probe",
    "published",
    "results",
    "tasks",
]
