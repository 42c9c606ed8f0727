"""Gather the captions of a split."""

from _job import job

with job(snakemake):
    from hierarcaps.generation.steps.captions import make_captions
    from hierarcaps.hierarchy import read_hierarchies

    test_images = [item.image for item in read_hierarchies(snakemake.input.test) if item.image]
    make_captions(
        snakemake.params.sources,
        test_images,
        snakemake.params.settings,
        snakemake.output.captions,
        snakemake.output.counts,
    )
