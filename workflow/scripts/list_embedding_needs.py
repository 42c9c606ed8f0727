"""List what the tasks need embedded beside the test set."""

from _job import job

with job(snakemake):
    from hierarcaps.embedding_needs import write_needs
    from hierarcaps.evaluation.tasks import embedding_needs
    from hierarcaps.hierarchy import read_hierarchies

    items = read_hierarchies(snakemake.input.hierarchies)
    write_needs(snakemake.output[0], embedding_needs(items, snakemake.params.data))
