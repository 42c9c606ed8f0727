"""Write the explorer's page and its data."""

from pathlib import Path

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.results import Run
    from hierarcaps.explorer import export_explorer
    from hierarcaps.scenes.pictures import open_pictures

    export_explorer(
        read_hierarchies(snakemake.input.hierarchies),
        open_pictures(snakemake.input.images),
        [Run(*run) for run in snakemake.params.runs],
        snakemake.params.results,
        Path(snakemake.output[0]).parent,
    )
