"""List what the tasks need embedded beside the test set."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.evaluation.tasks.registry import embedding_needs
    from hierarcaps.models.embedding_needs import write_needs

    items = read_hierarchies(snakemake.input.hierarchies)
    write_needs(snakemake.output[0], embedding_needs(items, snakemake.params.data))
