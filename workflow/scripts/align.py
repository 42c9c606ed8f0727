"""Align one model's text tower with caption hierarchies."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.alignment.run import align_model

    align_model(
        snakemake.params.model,
        snakemake.params.recipe,
        seed=int(snakemake.wildcards.seed),
        training_path=snakemake.input.training,
        validation_path=snakemake.input.validation,
        images_path=snakemake.input.images or None,
        left_out_path=snakemake.input.left_out,
        validation_items=snakemake.params.validation_items or None,
        folder=Path(snakemake.output.weights).parent,
    )
