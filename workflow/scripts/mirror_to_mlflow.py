"""Mirror all results to MLflow."""

from _job import job

with job(snakemake):
    from hierarcaps.runtime.files import write_json
    from hierarcaps.runtime.tracking import Mirrored, mirror

    runs = [Mirrored(**run) for run in snakemake.params.runs]
    write_json(snakemake.output[0], mirror(runs))
