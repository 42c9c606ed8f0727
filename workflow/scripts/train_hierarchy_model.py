"""Train and measure the hierarchy model H."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.hierarchy_model import make_hierarchy_model

    make_hierarchy_model(
        snakemake.input.tables,
        snakemake.params.settings,
        snakemake.params.nli["model"],
        snakemake.params.nli,
        Path(snakemake.output.weights).parent,
        snakemake.output.curve,
        snakemake.output.report,
    )
