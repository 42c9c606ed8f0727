"""Composes docs/replication.md: the default study and the same with other seeds, side by side.

With `--collect` first gathers docs/replication/results.csv from both result folders.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hierarcaps.publishing.markdown import filled, table
from hierarcaps.report.alignment import findings as alignment
from hierarcaps.report.changes import COMPARISONS, Alignment, direction
from hierarcaps.report.paper import claims
from hierarcaps.report.paper.published_table import read_comparison
from hierarcaps.report.study import METRICS, Results
from hierarcaps.report.wording import count, listed, signed, signed_interval
from hierarcaps.report.zero_shot import findings as zero_shot

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE, TABLE = HERE.parent / "replication.md", HERE / "results.csv"
STUDIES = {"first": ROOT / "results", "second": ROOT / "build" / "replication" / "results"}
COLUMNS = ["study", "kind", "name", "model", "found", "low", "high", "verdict"]
WORDS = {1: "rises", -1: "falls", 0: "not sure"}


def read_study(folder: Path) -> Alignment:
    """Return a finished study, with all models that it measured."""
    summary = pd.read_csv(folder / "summary.csv")
    runs = summary.loc[summary["objective"] != "baseline"].groupby(["model", "objective"])["seed"]
    models = [[*name, sorted(set(seeds))] for name, seeds in runs]
    return Alignment(Results(folder, models))


def rows_of(
    study: Alignment,
) -> Iterator[tuple[str, str, str, str, float | None, float | None, str]]:
    """Yield what a study says: claims by model, differences by model, and the first sentences."""
    said = claims.claims(study, read_comparison(study.results.root / "published.csv"))
    for name, sentence in (
        ("zero-shot", zero_shot.finding(study.results)),
        ("alignment", alignment.finding(study)),
        ("the paper's claims", claims.finding(study, said)),
    ):
        yield "sentence", name, "", "", "", "", sentence
    for claim in said:
        for model, (found, held) in claim.found.items():
            yield "claim", claim.text, model, found, "", "", "yes" if held else "no"
    for comparison, label in COMPARISONS.items():
        for key, metric in METRICS.items():
            for model, mean in study.pooled_differences(comparison, key).items():
                found = f"{signed(mean.value)} {signed_interval(mean.low, mean.high)}"
                verdict = WORDS[direction(mean)]
                yield "difference", f"{metric}, {label}", model, found, mean.low, mean.high, verdict


def collect() -> None:
    """Write what both studies say as one table."""
    rows = [(name, *row) for name, folder in STUDIES.items() for row in rows_of(read_study(folder))]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(TABLE, index=False, lineterminator="\n")


def both(kind: str) -> pd.DataFrame:
    """Return what both studies say, a row each: columns ``found_first``, ``verdict_second``, ..."""
    rows = pd.read_csv(TABLE, keep_default_na=False)
    parts = [rows[(rows["study"] == name) & (rows["kind"] == kind)] for name in STUDIES]
    key = ["name", "model"]
    first, second = (part.drop(columns=["study", "kind"]) for part in parts)
    return first.merge(second, on=key, suffixes=("_first", "_second"), validate="one_to_one")


def findings() -> str:
    """Return computed sentences: what the two studies agree on."""
    said, changed = both("claim"), both("difference")
    agreed = int((said["verdict_first"] == said["verdict_second"]).sum())
    first, second = changed["verdict_first"], changed["verdict_second"]
    sure = (first != WORDS[0]) | (second != WORDS[0])
    same = sure & (first == second)
    opposite = sure & (first != second) & (first != WORDS[0]) & (second != WORDS[0])
    bounds = changed[["low_first", "high_first", "low_second", "high_second"]].astype(float)
    apart = (bounds["low_first"] > bounds["high_second"]) | (
        bounds["low_second"] > bounds["high_first"]
    )
    lines = [
        f"**{agreed} of {count(len(said), 'verdict')} on the paper's claims, one for each claim "
        "and model, are the same in both studies.**",
        f"Of {count(len(changed), 'difference')} (RE and EC against zero-shot, RE against EC, by "
        f"model and metric) {sure.sum()} are sure in at least one study: {same.sum()} of these in "
        f"both and in the same direction, {(sure & ~same & ~opposite).sum()} in one alone, "
        f"{opposite.sum()} in opposite directions.",
        f"Sure in both: {sure_in_both(changed[same])}.",
        f"The two intervals of a difference lie apart in {apart.sum()} of {len(changed)} cases.",
    ]
    return "\n".join(f"* {line}" for line in lines)


def sure_in_both(rows: pd.DataFrame) -> str:
    """Name differences with what both studies found."""
    named = (
        f"{row.name} of {row.model} {row.verdict_first} ({row.found_first} and {row.found_second})"
        for row in rows.itertuples()
    )
    return listed(list(named) or ["none"])


def pair_table(kind: str, head: str) -> str:
    """Return a row per claim or difference and model, bold where the verdicts differ."""
    rows = []
    for row in both(kind).itertuples():
        mark = "" if row.verdict_first == row.verdict_second else "**"
        verdicts = (
            f"{found}: {mark}{verdict}{mark}"
            for found, verdict in (
                (row.found_first, row.verdict_first),
                (row.found_second, row.verdict_second),
            )
        )
        rows.append([row.name, row.model, *verdicts])
    return table([head, "model", "the study", "with other seeds"], rows)


def sentence_table() -> str:
    """Return the first sentence of each page, of both studies."""
    rows = [
        [row.name, row.verdict_first, row.verdict_second] for row in both("sentence").itertuples()
    ]
    return table(["page", "the study", "with other seeds"], rows)


def compose() -> str:
    """Return the page."""
    parts = {
        "findings": findings(),
        "sentences": sentence_table(),
        "claims": pair_table("claim", "claim"),
        "differences": pair_table("difference", "difference"),
    }
    return filled(HERE.joinpath("page.md.in").read_text(encoding="utf-8"), parts)


if __name__ == "__main__":
    if "--collect" in sys.argv:
        collect()
    PAGE.write_text(compose(), encoding="utf-8")
