"""Evaluation of embeddings: tasks, trivial baselines and result files with provenance."""
