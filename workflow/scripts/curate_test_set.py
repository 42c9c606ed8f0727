"""Read a reviewed sheet back as the curated test set."""

from _job import job

with job(snakemake):
    from hierarcaps.data.hierarchy import read_hierarchies, write_hierarchies
    from hierarcaps.review import read_review
    from hierarcaps.runtime.errors import InputError

    sheet = snakemake.input.sheet
    items = read_review(sheet, read_hierarchies(snakemake.input.proposed))
    if not items:
        raise InputError(f"{sheet}: no item is accepted or edited, expected some")
    write_hierarchies(snakemake.output[0], items)
