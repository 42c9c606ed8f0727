"""Collect all results in one table."""

from _job import job

with job(snakemake):
    from hierarcaps.evaluation.results import write_summary

    write_summary(snakemake.input.results, snakemake.output.summary, snakemake.output.headline)
