"""Pick the test items that the reports show with their pictures."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.examples import write_examples
    from hierarcaps.scenes.pictures import open_pictures

    write_examples(
        read_hierarchies(snakemake.input.hierarchies),
        open_pictures(snakemake.input.images),
        settings=snakemake.params.settings,
        path=snakemake.output[0],
    )
