"""Writes what must not be written by hand: tables of results, pictures, the graph of rules.

Run by `make readme` after a complete run.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from PIL import Image
from stage_graph import pictures, rule_graph

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = {
    ("ordering", "tau_d"): "tau_d",
    ("ordering", "tau_d_length_controlled"): "tau_d, length-controlled",
    ("hierarchical_retrieval", "precision"): "precision",
    ("hierarchical_retrieval", "recall"): "recall",
    ("retrieval", "image_to_text_r1"): "R@1 image to text",
}


def write_graphs() -> None:
    """Write the picture of the stages, and the whole graph of rules, which GitHub draws."""
    graph, edges = rule_graph()
    for path, svg in pictures(edges).items():
        path.write_text(svg, encoding="utf-8")
    text = (
        "# The rules of the default study\n\nWritten by `make readme`; docs/workflow.md shows them "
        f"as stages.\n\n```mermaid\n{graph}\n```\n"
    )
    (ROOT / "docs" / "rulegraph.md").write_text(text, encoding="utf-8")


def headline() -> str:
    """Return README's table: one model, what alignment makes of it, and what it must exceed."""
    rows = measured()
    (first, *_) = rows.loc[rows["objective"] == "re", "model"]
    shown = rows["model"].isin((first, f"{first}-untrained", "words", "random"))
    return f"{explanation(rows)}\n\n{table(rows[shown], value_cell)}"


def results() -> str:
    """Return the table of all: values with their interval, or the range of several seeds."""
    rows = measured()
    return (
        f"{explanation(rows)} `results/reports/` says what it means.\n\n{table(rows, value_cell)}"
    )


def measured() -> pd.DataFrame:
    """Return the values of models, of what alignment makes of them, then of what needs no model."""
    summary = pd.read_csv(ROOT / "results" / "summary.csv")
    aligned = pooled()
    baseline = summary["objective"] == "baseline"
    replicated = aligned[aligned["reference"].isna()]
    before = replicated["objective"] == "zeroshot"
    single = summary["objective"] == "zeroshot"
    single &= ~summary["model"].isin(replicated.loc[before, "model"])
    return pd.concat(
        [
            replicated[before],
            summary[single],
            replicated[~before],
            summary[baseline],
        ]
    )


def explanation(rows: pd.DataFrame) -> str:
    """Return what stands in the cells of a table of values."""
    return (
        f"The default profile on {int(rows['n'].max()):,} test scenes: bootstrap 95% intervals in "
        f"brackets, over trainings and items of the mean of several trainings ({trainings()}), "
        "else over items. Untrained controls: the mean over seeds, in parentheses the lowest and "
        "the highest."
    )


def differences() -> str:
    """Return what alignment changes: pooled paired differences to the same model before."""
    changes = pooled()
    changes = changes[changes["reference"] == "zeroshot"]
    return (
        "What alignment changes on the same items: the mean paired difference to the same "
        f"pre-training, over {trainings()}, with a 95% interval over trainings and items; bold "
        f"where it excludes zero.\n\n{table(changes, difference_cell)}"
    )


def pooled() -> pd.DataFrame:
    """Return the means over trainings of models; ``reference`` is missing for the metrics."""
    return pd.read_csv(ROOT / "results" / "pooled.csv")


def trainings() -> str:
    """Return how many trainings each replicated model has: ``5 of rn-16, 3 of vit-8``."""
    number = pooled().groupby("model", sort=False)["trainings"].first()
    return ", ".join(f"{each} of {model}" for model, each in number.items())


def table(rows: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
    """Return a row per model and objective, in which ``cell`` fills each of ``COLUMNS``."""
    lines = [f"| model | {' | '.join(COLUMNS.values())} |", f"|---|{'---|' * len(COLUMNS)}"]
    for (model, objective), own in rows.groupby(["model", "objective"], sort=False):
        suffix = {"zeroshot": "", "baseline": " (no model)"}.get(
            objective, f" + {objective.upper()}"
        )
        cells = [
            cell(own[(own["task"] == task) & (own["metric"] == metric)]) for task, metric in COLUMNS
        ]
        lines.append(f"| {model}{suffix} | {' | '.join(cells)} |")
    return "\n".join(lines)


def value_cell(rows: pd.DataFrame) -> str:
    """Return a value with its 95% interval, or the mean over seeds with their range."""
    if rows.empty:
        return ""
    if len(rows) == 1:
        (row,) = rows.itertuples()
        return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
    values = rows["value"]
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


def difference_cell(rows: pd.DataFrame) -> str:
    """Return a pooled difference with its interval, in bold where that excludes zero."""
    if rows.empty:
        return ""
    (row,) = rows.itertuples()
    value = f"{row.value:+.3f}"
    # Means of equal items leave rounding noise, which is no difference.
    shown = f"**{value}**" if row.low > 1e-9 or row.high < -1e-9 else value
    return f"{shown} [{row.low:+.3f}, {row.high:+.3f}]"


def replace_section(text: str, name: str, content: str) -> str:
    """Return ``text`` with what stands between the two comments called ``name`` replaced."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)


def main() -> None:
    """Update the tables of README.md and docs/results.md, their pictures and docs/rulegraph.md."""
    write_graphs()
    pages = {
        ROOT / "README.md": ("headline", headline()),
        ROOT / "docs" / "results.md": ("results", f"{results()}\n\n{differences()}"),
    }
    for path, (name, content) in pages.items():
        text = path.read_text(encoding="utf-8")
        path.write_text(replace_section(text, name, content), encoding="utf-8")
    # Few colours are enough for drawings, and take a third of the bytes.
    with Image.open(ROOT / "results" / "figures" / "contact_sheet.png") as sheet:
        small = sheet.convert("RGB").quantize(96, dither=Image.Dither.NONE)
    small.save(ROOT / "docs" / "world.png", optimize=True)


if __name__ == "__main__":
    main()
