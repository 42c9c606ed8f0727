"""Measure the drawn world's NLI model."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.nli import open_nli
    from hierarcaps.nli.training import evaluate_nli

    evaluate_nli(
        open_nli(Path(snakemake.input.model[0]).parent, snakemake.params.nli),
        size=snakemake.params.size,
        seed=snakemake.params.seed,
        report=snakemake.output[0],
    )
