"""Embed the test set with one checkpoint."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.models.embed import embed_test_set
    from hierarcaps.models.embedding_needs import read_needs
    from hierarcaps.models.registry import load_text_encoder
    from hierarcaps.runtime.torch_setup import choose_device

    embed_test_set(
        load_text_encoder(snakemake.params.model, int(snakemake.wildcards.seed), choose_device()),
        read_hierarchies(snakemake.input.hierarchies),
        open_images(snakemake.input.images),
        snakemake.output[0],
        batch_size=snakemake.params.batch_size,
        needs=read_needs(snakemake.input.needs),
        root=snakemake.params.root or None,
    )
