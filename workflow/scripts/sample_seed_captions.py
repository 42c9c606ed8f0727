"""Draw the captions that seeds are written from."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.samples import make_seed_captions

    make_seed_captions(
        snakemake.input.captions, snakemake.params.size, snakemake.params.seed, snakemake.output[0]
    )
