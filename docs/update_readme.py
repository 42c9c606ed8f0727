"""Writes what must not be written by hand: README's results and pictures, the graph of rules.

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
        "# The rules of the default study\n\nWritten by `make readme`; the README shows them as "
        f"stages.\n\n```mermaid\n{graph}\n```\n"
    )
    (ROOT / "docs" / "rulegraph.md").write_text(text, encoding="utf-8")


def results() -> str:
    """Return the headline table: means over seeds, the interval of one seed or the range of all."""
    summary = pd.read_csv(ROOT / "results" / "summary.csv")
    items = int(summary["n"].max())
    return (
        f"The default profile on {items:,} test scenes: bootstrap 95% intervals over items in "
        "brackets; where there are several seeds, their mean and range. `results/reports/` says "
        f"what it means.\n\n{headline_table(summary, value_cell)}"
    )


def differences() -> str:
    """Return what alignment changes: paired differences to the same model before."""
    changes = pd.read_csv(ROOT / "results" / "differences.csv")
    changes = changes[changes["reference"] == "zeroshot"]
    return (
        "What alignment changes on the same items, starting from one pre-trained checkpoint: the "
        f"mean difference to it over {changes['seed'].nunique()} orders of the training items, and "
        "for how many of them the paired 95% interval over images excludes zero. Other "
        f"pre-trainings are not in it.\n\n{headline_table(changes, difference_cell)}"
    )


def headline_table(rows: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> str:
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
    """Return the mean over seeds, and how many seeds' intervals exclude zero."""
    clear = ((rows["low"] > 0) | (rows["high"] < 0)).sum()
    return f"{rows['difference'].mean():+.3f} ({clear} of {len(rows)})"


def replace_section(text: str, name: str, content: str) -> str:
    """Return ``text`` with what stands between the two comments called ``name`` replaced."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.DOTALL)


def main() -> None:
    """Update README.md, its pictures and docs/rulegraph.md."""
    write_graphs()
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(
        replace_section(text, "results", f"{results()}\n\n{differences()}"), encoding="utf-8"
    )
    # Few colours are enough for drawings, and take a third of the bytes.
    with Image.open(ROOT / "results" / "figures" / "contact_sheet.png") as sheet:
        small = sheet.convert("RGB").quantize(96, dither=Image.Dither.NONE)
    small.save(ROOT / "docs" / "world.png", optimize=True)


if __name__ == "__main__":
    main()
