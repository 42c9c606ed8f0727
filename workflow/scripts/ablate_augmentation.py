"""Compare H with and without what augmentation added."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.ablation import make_ablation

    make_ablation(
        snakemake.input.seeds,
        snakemake.input.augmentation,
        snakemake.input.captions,
        snakemake.input.validation,
        snakemake.params.settings,
        snakemake.params.hierarchy_model,
        snakemake.params.size,
        snakemake.params.nli["model"],
        snakemake.params.nli,
        snakemake.params.seed,
        snakemake.params.has_oracle,
        snakemake.output[0],
    )
