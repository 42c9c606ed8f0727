"""Train the drawn world's NLI model."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.nli.training import train_nli

    folder = Path(snakemake.output.weights).parent
    train_nli(snakemake.params.settings, folder, snakemake.output.curve)
