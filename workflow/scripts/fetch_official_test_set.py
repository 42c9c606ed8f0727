"""Provide the official test set, checked."""

from _job import job

with job(snakemake):
    from hierarcaps.official import fetch_test_set

    fetch_test_set(
        snakemake.input.checksums,
        snakemake.output.hierarchies,
        snakemake.output.images,
        directory=snakemake.params.directory,
    )
