"""Draw the captions that items are written from."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.samples import make_item_captions

    make_item_captions(
        snakemake.input.captions, snakemake.params.size, snakemake.params.seed, snakemake.output[0]
    )
