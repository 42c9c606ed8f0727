"""Gather a split's items."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.dataset import make_items_table

    make_items_table(snakemake.input.tables, snakemake.output.table, snakemake.output.hierarchies)
