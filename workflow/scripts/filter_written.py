"""Filter what the language model wrote."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.prompt_texts import get_prompt
    from hierarcaps.generation.steps.acceptance import make_accepted

    nli, version = snakemake.params.nli, snakemake.params.mended_by
    make_accepted(
        snakemake.input.tables,
        nli["model"],
        nli,
        get_prompt(version).categories if version else (),
        snakemake.params.held_out,
        snakemake.params.seed,
        snakemake.output[0],
    )
