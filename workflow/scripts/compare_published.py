"""Set our numbers beside the published ones."""

from pathlib import Path

from _job import CHECKOUT, job

with job(snakemake):
    from hierarcaps.evaluation.published import write_comparison

    write_comparison(
        Path(snakemake.input.summary).parent,
        CHECKOUT / "config" / "paper_results.csv",
        snakemake.output[0],
    )
