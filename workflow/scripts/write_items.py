"""Write positives and negatives with H."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.items import make_items

    make_items(
        snakemake.input.captions[0],
        int(snakemake.wildcards.shard),
        snakemake.params.settings["shards"],
        Path(snakemake.input.model[0]).parent,
        snakemake.params.settings,
        snakemake.params.nli["model"],
        snakemake.params.nli,
        snakemake.params.seed,
        snakemake.output[0],
    )
