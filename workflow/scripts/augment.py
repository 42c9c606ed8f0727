"""Write further hierarchies in the context of accepted ones."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.augmentation import make_augmentation

    make_augmentation(
        snakemake.input.seeds,
        snakemake.input.captions,
        snakemake.params.settings,
        snakemake.params.llm,
        snakemake.params.seed,
        snakemake.output[0],
    )
