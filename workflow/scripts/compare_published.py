"""Set our numbers beside the published ones."""

from _job import job

with job(snakemake):
    from hierarcaps.evaluation.published import write_comparison

    write_comparison(
        snakemake.input.summary,
        snakemake.input.published,
        snakemake.output[0],
        official_test_set=snakemake.params.official,
    )
