"""Write the first page of the results."""

from _job import job

with job(snakemake):
    from hierarcaps.report.index.durations import read_durations
    from hierarcaps.report.index.page import write_index
    from hierarcaps.report.study import Results

    params = snakemake.params
    write_index(
        snakemake.output[0],
        Results(params.results, params.models),
        params.notebooks,
        params.links,
        # Not an input: a run has results also where the record of its durations is gone.
        read_durations("logs/benchmarks"),
    )
