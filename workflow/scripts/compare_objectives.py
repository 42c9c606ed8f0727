"""Compare the runs of each model before and after alignment, on the same items."""

from _job import job

with job(snakemake):
    from hierarcaps.evaluation.differences import write_differences
    from hierarcaps.evaluation.results import Run

    write_differences(
        [Run(*run) for run in snakemake.params.runs],
        snakemake.params.results,
        snakemake.params.settings,
        snakemake.output.differences,
        snakemake.output.pooled,
    )
