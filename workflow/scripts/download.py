"""Fetch published files, checked."""

from _job import job

with job(snakemake):
    from hierarcaps.data.downloads import Download, fetch_downloads

    fetch_downloads([Download(*fields) for fields in snakemake.params.downloads])
