"""Pre-train one CLIP variant on the drawn scenes."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.pretraining.run import pretrain

    pretrain(
        snakemake.params.settings,
        seed=int(snakemake.wildcards.seed),
        train_path=str(snakemake.input.scenes),
        validation_path=str(snakemake.input.validation),
        folder=Path(snakemake.output.weights).parent,
        pixels=str(snakemake.input.pixels) or None,
    )
