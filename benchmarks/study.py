"""Seconds of the study's jobs by rule, as Snakemake recorded them, beside another run's.

    python benchmarks/study.py [--run .] [--before ../other-checkout]

Both are directories in which `make run` has finished, best on one machine after one another. A job
computes on one core from its start to its end, so that its seconds by the clock are those of the
processor where as many jobs run as there are cores; what Snakemake samples of the processor misses
a job's last seconds. Without a finished run nothing is written.
"""

import argparse
from pathlib import Path

import pandas as pd
from tables import ROOT, Table, commit_of, publish

SMALL = 1.0  # per cent of all: rules of less are one row


def recorded(run: Path) -> pd.DataFrame:
    """Return a row per job: its ``rule``, and when it started and ended, in seconds."""
    folder = run / "logs" / "benchmarks"
    rows = []
    for path in folder.rglob("*.tsv"):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        end = path.stat().st_mtime
        rows += [(rule, end - s, end) for s in pd.read_csv(path, sep="\t")["s"]]
    return pd.DataFrame(rows, columns=["rule", "start", "end"])


def seconds_by_rule(jobs: pd.DataFrame) -> dict[str, tuple[int, float]]:
    """Return rule -> its jobs and their seconds in all."""
    seconds = (jobs["end"] - jobs["start"]).groupby(jobs["rule"])
    return {str(rule): (len(each), float(each.sum())) for rule, each in seconds}


def table(jobs: pd.DataFrame, before: Path | None) -> Table:
    """Return a row per rule, and one of all."""
    minutes = (jobs["end"].max() - jobs["start"].min()) / 60
    after = seconds_by_rule(jobs)
    earlier = seconds_by_rule(recorded(before)) if before else {}
    total, total_before = (sum(each for _, each in x.values()) for x in (after, earlier))
    order = sorted(after | earlier, key=lambda rule: -max(_of(after, rule), _of(earlier, rule)))
    large = [
        rule
        for rule in order
        if _of(after, rule) > total * SMALL / 100
        or (before and _of(earlier, rule) > total_before * SMALL / 100)
    ]
    groups = {rule: [rule] for rule in large}
    groups["the others"] = [rule for rule in order if rule not in large]
    groups["**all**"] = order
    rows = []
    for name, rules in groups.items():
        number = sum(after.get(rule, (0, 0.0))[0] for rule in rules)
        seconds = sum(_of(after, rule) for rule in rules)
        cells = [name, str(number), f"{seconds:.0f}"]
        if before:
            then = sum(_of(earlier, rule) for rule in rules)
            cells += [f"{then:.0f}", f"{then / seconds:.1f}" if seconds >= 1 else "-"]
        rows.append(cells)
    claim = (
        f"The jobs of the default study take {total:,.0f} s, in {minutes:.1f} minutes of the clock"
    )
    if before:
        claim += f", {total / total_before:.2f} of the {total_before:,.0f} s that they took before"
    return Table(
        "The default study by rule",
        "Seconds of the jobs of `make run` from start to end, each on one core"
        + (f", beside those of {commit_of(before)} on the same machine." if before else "."),
        ["rule", "jobs", "s", *(["before", "ratio"] if before else [])],
        rows,
        f"{claim}.",
    )


def _of(seconds: dict[str, tuple[int, float]], rule: str) -> float:
    return seconds.get(rule, (0, 0.0))[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=ROOT)
    parser.add_argument("--before", type=Path)
    arguments = parser.parse_args()
    jobs = recorded(arguments.run)
    if jobs.empty:
        print(f"{arguments.run}: no finished run here, whose jobs could be counted (`make run`)")
        return
    publish(__file__, table(jobs, arguments.before))


if __name__ == "__main__":
    main()
