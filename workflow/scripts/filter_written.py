"""Filter what the language model wrote."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.acceptance import make_accepted

    nli = snakemake.params.nli
    make_accepted(
        snakemake.input.tables,
        nli["model"],
        nli,
        snakemake.params.mended_by,
        snakemake.params.held_out,
        snakemake.params.seed,
        snakemake.output[0],
    )
