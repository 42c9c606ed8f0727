"""Evaluate caption length and chance on the test set."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.baselines import evaluate_baselines

    evaluate_baselines(
        read_hierarchies(snakemake.input.hierarchies),
        settings=snakemake.params.settings,
        results=snakemake.params.results,
    )
