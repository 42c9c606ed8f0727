"""Evaluate one checkpoint's embeddings on every task."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.results import Run
    from hierarcaps.evaluation.tasks.registry import evaluate
    from hierarcaps.models.embeddings import read_embeddings

    wildcards = snakemake.wildcards
    evaluate(
        read_hierarchies(snakemake.input.hierarchies),
        read_embeddings(snakemake.input.embeddings),
        Run(wildcards.model, wildcards.objective, int(wildcards.seed)),
        settings=snakemake.params.settings,
        folder=Path(snakemake.output.metrics[0]).parent,
    )
