"""Write the datasheet of the generated hierarchies."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.datasheet import make_datasheet

    make_datasheet(
        snakemake.output[0],
        snakemake.input.counts,
        {Path(table).stem: table for table in snakemake.input.tables},
        snakemake.input.validation,
        snakemake.params.prompt,
        {Path(report).parent.name: report for report in snakemake.input.reports},
        snakemake.params.has_oracle,
    )
