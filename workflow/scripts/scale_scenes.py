"""Decode and scale the pictures of a split, once for all variants that are trained on them."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.pretraining.pictures import write_pixels

    write_pixels(Path(snakemake.input[0]), int(snakemake.wildcards.size), Path(snakemake.output[0]))
