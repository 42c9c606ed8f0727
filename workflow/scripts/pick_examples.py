"""Pick the test items that the reports show with their pictures."""

from _job import job

with job(snakemake):
    from hierarcaps.evaluation.examples import write_examples
    from hierarcaps.hierarchy import read_hierarchies
    from hierarcaps.images import open_images

    write_examples(
        read_hierarchies(snakemake.input.hierarchies),
        open_images(snakemake.input.images),
        settings=snakemake.params.settings,
        path=snakemake.output[0],
    )
