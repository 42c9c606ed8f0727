"""Execute a notebook template on the results."""

from _job import CHECKOUT, job

with job(snakemake):
    from hierarcaps.report.render import render

    render(
        CHECKOUT / "notebooks" / f"{snakemake.wildcards.notebook}.ipynb",
        snakemake.output.notebook,
        snakemake.output.page,
        parameters=snakemake.params.parameters,
        log=snakemake.log.notebook,
        figures=snakemake.output.figures,
    )
