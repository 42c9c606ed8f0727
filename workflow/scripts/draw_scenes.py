"""Draw one split of the drawn world."""

from _job import job

with job(snakemake):
    from hierarcaps.scenes.dataset import write_split

    write_split(
        snakemake.wildcards.split,
        snakemake.params.settings,
        parquet_path=snakemake.output.scenes,
        csv_path=snakemake.output.hierarchies,
    )
