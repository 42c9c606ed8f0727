"""Draw the contact sheet of the drawn world."""

from _job import job

with job(snakemake):
    from hierarcaps.runtime.files import atomic_path
    from hierarcaps.scenes.drawing import concept_sheet

    with atomic_path(snakemake.output[0]) as partial:
        concept_sheet(columns=12, zoom=1, pixels=128).save(partial)
