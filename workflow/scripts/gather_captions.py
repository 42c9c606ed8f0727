"""Gather the captions of a split."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.generation.steps.captions import make_captions

    left_out = read_hierarchies(snakemake.input.left_out)
    make_captions(
        snakemake.params.sources,
        [item.image for item in left_out if item.image],
        snakemake.params.settings,
        snakemake.output.captions,
        snakemake.output.counts,
    )
