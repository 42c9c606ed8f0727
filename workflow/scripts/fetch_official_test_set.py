"""Provide the official test set, checked."""

from _job import CHECKOUT, job

with job(snakemake):
    from hierarcaps.data.official import fetch_test_set

    fetch_test_set(
        snakemake.input.checksums or CHECKOUT / "config" / "official.sha256",
        snakemake.output.hierarchies,
        snakemake.output.images,
        directory=snakemake.params.directory,
    )
