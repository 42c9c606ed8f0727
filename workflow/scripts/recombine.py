"""Recombine accepted hierarchies."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.recombination import make_recombination

    make_recombination(
        snakemake.input.tables,
        snakemake.input.captions,
        snakemake.params.size,
        snakemake.params.nli["model"],
        snakemake.params.nli,
        snakemake.params.seed,
        snakemake.output[0],
    )
