"""Train and measure the drawn world's NLI model."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps import open_nli
    from hierarcaps.nli.training import evaluate_nli, train_nli

    folder = Path(snakemake.output.weights).parent
    settings = snakemake.params.settings
    train_nli(settings, folder, snakemake.output.curve)
    evaluate_nli(
        open_nli(folder, snakemake.params.nli),
        size=settings["evaluation_pairs"],
        seed=settings["seed"],
        report=snakemake.output.report,
    )
