"""Write seed hierarchies with a language model."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.seeds import make_seeds

    make_seeds(
        snakemake.input.captions[0],
        int(snakemake.wildcards.shard),
        snakemake.params.settings["shards"],
        snakemake.params.settings,
        snakemake.params.seed,
        snakemake.output[0],
    )
