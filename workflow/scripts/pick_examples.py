"""Pick the test items that the reports show with their pictures."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.evaluation.examples import write_examples

    write_examples(
        read_hierarchies(snakemake.input.hierarchies),
        open_images(snakemake.input.images),
        settings=snakemake.params.settings,
        path=snakemake.output[0],
    )
