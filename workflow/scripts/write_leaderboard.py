"""Rank the models of the study, and those that others submitted."""

from _job import CHECKOUT, job

with job(snakemake):
    from hierarcaps.evaluation.cost import read_weights
    from hierarcaps.evaluation.leaderboard import write_leaderboard
    from hierarcaps.evaluation.results import Run

    write_leaderboard(
        [Run(*run) for run in snakemake.params.runs],
        snakemake.params.results,
        snakemake.params.study,
        read_weights(CHECKOUT / "config" / "weights.csv"),
        snakemake.output[0],
        CHECKOUT / "submissions",
    )
