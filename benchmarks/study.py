"""Processor seconds of the study's jobs by rule, as Snakemake recorded them, beside another run's.

    python benchmarks/study.py [--run .] [--before ../other-checkout]

Both are directories in which `make run` has finished, best on one machine after one another.
Snakemake samples: the last seconds of a job are missing. Without a finished run nothing is written.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import pandas as pd
from tables import ROOT, Table, publish

SMALL = 1.0  # per cent of all: rules of less are one row


def seconds_by_rule(run: Path) -> dict[str, tuple[int, float]]:
    """Return rule -> its jobs and their processor seconds in all."""
    folder = run / "logs" / "benchmarks"
    found: dict[str, list[float]] = defaultdict(list)
    for path in folder.rglob("*.tsv"):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        found[rule] += pd.read_csv(path, sep="\t", na_values="-")["cpu_time"].fillna(0).to_list()
    return {rule: (len(jobs), sum(jobs)) for rule, jobs in found.items()}


def table(run: Path, before: Path | None) -> Table:
    """Return a row per rule, and one of all."""
    after = seconds_by_rule(run)
    earlier = seconds_by_rule(before) if before else {}
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
        jobs = sum(after.get(rule, (0, 0.0))[0] for rule in rules)
        seconds = sum(_of(after, rule) for rule in rules)
        cells = [name, str(jobs), f"{seconds:.0f}"]
        if before:
            then = sum(_of(earlier, rule) for rule in rules)
            cells += [f"{then:.0f}", f"{then / seconds:.1f}" if seconds >= 1 else "-"]
        rows.append(cells)
    claim = f"The default study takes {total:,.0f} processor seconds"
    if before:
        claim += f", {total / total_before:.2f} of the {total_before:,.0f} that it took before"
    return Table(
        "The default study by rule",
        "Processor seconds of the jobs of `make run`, as Snakemake recorded them (it samples: a "
        "job's last seconds are missing)"
        + (", beside those of an earlier commit on the same machine." if before else "."),
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
    if not seconds_by_rule(arguments.run):
        print(f"{arguments.run}: no finished run here, whose jobs could be counted (`make run`)")
        return
    publish(__file__, table(arguments.run, arguments.before))


if __name__ == "__main__":
    main()
