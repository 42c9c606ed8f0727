"""Set our numbers beside the published ones."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.evaluation.published import write_comparison

    write_comparison(
        Path(snakemake.input.summary).parent, snakemake.input.published, snakemake.output[0]
    )
