"""The picture of the workflow on the site: its rules as a dozen stages, and what passes between.

Which stages follow which is computed from the rules; a stage that reaches another through a third
is not joined to it, unless ``PASSES`` says so. What is written by hand is where a box stands and
what its arrows carry; the picture cannot be drawn where that and the rules differ.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
Edge = tuple[str, str]


class Stage(NamedTuple):
    """A box: its place on the grid (column, row), its words, its kind, the rules in it."""

    place: tuple[int, int]
    title: str
    words: tuple[str, str]
    kind: str
    rules: tuple[str, ...]


STAGES = {
    "world": Stage(
        (0, 0),
        "Data",
        ("drawn scenes, or", "published files"),
        "data",
        (
            "draw_scenes",
            "gather_captions",
            "fetch_official_test_set",
            "curate_test_set",
            "download",
        ),
    ),
    "pretraining": Stage(
        (1, 0),
        "Pre-training",
        ("CLIP variants, MERU,", "untrained controls"),
        "training",
        ("scale_scenes", "pretrain", "pretrain_meru"),
    ),
    "alignment": Stage(
        (3, 0), "Alignment", ("text towers,", "RE or EC loss"), "training", ("align",)
    ),
    "embeddings": Stage(
        (4, 0),
        "Embeddings",
        ("images, texts,", "the root"),
        "measuring",
        ("list_embedding_needs", "embed"),
    ),
    "nli": Stage(
        (0, 1), "NLI model", ("entails,", "contradicts?"), "training", ("train_nli", "evaluate_nli")
    ),
    "seeds": Stage(
        (1, 1),
        "Seeds",
        ("language model,", "NLI filter, recombined"),
        "data",
        ("sample_seed_captions", "write_seeds", "augment", "filter_written", "recombine"),
    ),
    "hierarchy_model": Stage(
        (2, 1),
        "Model H",
        ("distilled from", "the seeds"),
        "training",
        ("train_hierarchy_model", "ablate_augmentation"),
    ),
    "items": Stage(
        (3, 1),
        "Items",
        ("four tiers and their", "negatives, filtered"),
        "data",
        ("sample_item_captions", "write_items", "gather_items"),
    ),
    "evaluation": Stage(
        (4, 1),
        "Evaluation",
        ("tasks, baselines,", "intervals"),
        "measuring",
        (
            "evaluate",
            "evaluate_baselines",
            "summarise",
            "compare_objectives",
            "compare_published",
            "write_leaderboard",
        ),
    ),
    "datasheet": Stage(
        (3, 2),
        "Datasheet",
        ("what entered and", "left each step"),
        "measuring",
        ("write_datasheet",),
    ),
    "reports": Stage(
        (4, 2),
        "Reports",
        ("notebooks, explorer,", "index, MLflow"),
        "reading",
        (
            "render_report",
            "export_explorer",
            "write_index",
            "mirror_to_mlflow",
            "describe_run",
            "pick_examples",
            "draw_contact_sheet",
        ),
    ),
}
# What an arrow carries, in a line or two.
PASSES: dict[Edge, tuple[str, ...]] = {
    ("world", "pretraining"): ("pictures", "captions"),
    ("world", "seeds"): ("captions",),
    ("nli", "seeds"): ("verdicts",),
    ("seeds", "hierarchy_model"): ("hierarchies",),
    ("hierarchy_model", "items"): ("written tiers",),
    ("items", "alignment"): ("triplets",),
    ("pretraining", "alignment"): ("checkpoints",),
    ("pretraining", "embeddings"): ("checkpoints, zero-shot",),
    ("alignment", "embeddings"): ("aligned", "checkpoints"),
    ("embeddings", "evaluation"): ("vectors",),
    ("items", "datasheet"): ("accepted, rejected",),
    ("evaluation", "reports"): ("metrics, tables",),
    ("datasheet", "reports"): ("counts",),
}
GOALS = {"all", "scenes", "hierarchies", "models", "probe"}
BOX, GAP, TOP = (150, 74), (92, 62), 62
WIDTH, HEIGHT = 5 * BOX[0] + 4 * GAP[0] + 8, TOP + 3 * BOX[1] + 2 * GAP[1] + 44
# Fills of Okabe and Ito's hues that ink can be read on, by kind; the legend names them.
THEMES: dict[str, dict[str, str]] = {
    "light": {
        "ink": "#1f2328", "soft": "#57606a", "line": "#6e7781",
        "data": "#cfe8f8", "training": "#fbe3b4", "measuring": "#c9ebdf", "reading": "#ead9e6",
    },
    "dark": {
        "ink": "#f0f3f6", "soft": "#b1bac4", "line": "#9198a1",
        "data": "#0b4a6f", "training": "#6b4a00", "measuring": "#0b5a44", "reading": "#5c3a54",
    },
}  # fmt: skip
LEGEND = {
    "data": "data", "training": "trains", "measuring": "measures", "reading": "is read by people",
}  # fmt: skip


def rule_graph() -> tuple[str, set[Edge]]:
    """Return the rules as a mermaid graph, and its edges (rule, rule that needs it)."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--", "all"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    lines = text[text.index("flowchart") :].strip().splitlines()
    # Snakemake lists edges in the order of a set: sorted, equal graphs are equal texts.
    graph = [line for line in lines if "-->" not in line]
    graph += sorted(line for line in lines if "-->" in line)
    return "\n".join(graph), edges_of(text)


def edges_of(graph: str) -> set[Edge]:
    """Return the edges of a graph of rules that Snakemake wrote as mermaid."""
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", graph, re.MULTILINE))
    pairs = re.findall(r"^\s*(id\d+) --> (id\d+)", graph, re.MULTILINE)
    return {(names[first], names[second]) for first, second in pairs}


def stage_edges(rule_edges: Iterable[Edge]) -> set[Edge]:
    """Return which stage needs which, directly or not.

    Raises:
        ValueError: a rule is in no stage.
    """
    stage_of = {rule: name for name, stage in STAGES.items() for rule in stage.rules}
    edges = set()
    for first, second in rule_edges:
        if second not in GOALS:
            if missing := {first, second} - set(stage_of):
                raise ValueError(f"rule {min(missing)} is in no stage of docs/stage_graph.py")
            edges.add((stage_of[first], stage_of[second]))
    edges = {(first, second) for first, second in edges if first != second}
    while further := {(a, d) for a, b in edges for c, d in edges if b == c} - edges:
        edges |= further
    return edges


def drawn_edges(rule_edges: Iterable[Edge]) -> Mapping[Edge, tuple[str, ...]]:
    """Return the arrows with what they carry.

    Raises:
        ValueError: stages that follow each other without an arrow, or an arrow without a rule.
    """
    edges = stage_edges(rule_edges)
    direct = {
        (a, b) for a, b in edges if not any((a, c) in edges and (c, b) in edges for c in STAGES)
    }
    if wrong := (direct - set(PASSES)) | (set(PASSES) - edges):
        raise ValueError(f"docs/stage_graph.py: the rules and PASSES differ in {sorted(wrong)}")
    return PASSES


def draw(edges: Mapping[Edge, tuple[str, ...]], theme: str) -> str:
    """Return the picture as SVG, on a transparent ground."""
    colours = THEMES[theme]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="system-ui, sans-serif">',
        "<title>The workflow: from data to reports, in eleven stages</title>",
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="{colours["line"]}"/>'
        "</marker></defs>",
    ]
    parts += [_arrow(edge, words, colours) for edge, words in edges.items()]
    parts += [_box(stage, colours) for stage in STAGES.values()]
    return "\n".join([*parts, _legend(colours), "</svg>"]) + "\n"


def _corner(stage: Stage) -> tuple[int, int]:
    column, row = stage.place
    return 4 + column * (BOX[0] + GAP[0]), TOP + row * (BOX[1] + GAP[1])


def _text(
    x: float,
    y: float,
    words: str,
    fill: str,
    size: int = 13,
    weight: str = "400",
    anchor: str = "middle",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def _box(stage: Stage, colours: Mapping[str, str]) -> str:
    x, y = _corner(stage)
    centre = x + BOX[0] / 2
    return "\n".join(
        [
            f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="9" '
            f'fill="{colours[stage.kind]}" stroke="{colours["line"]}"/>',
            _text(centre, y + 25, stage.title, colours["ink"], 17, "650"),
            *(
                _text(centre, y + 45 + 16 * line, words, colours["ink"])
                for line, words in enumerate(stage.words)
            ),
        ]
    )


def _arrow(edge: Edge, words: tuple[str, ...], colours: Mapping[str, str]) -> str:
    first, second = (STAGES[name] for name in edge)
    (x0, y0), (x1, y1) = _corner(first), _corner(second)
    width, height = BOX
    side = "middle"
    if abs(first.place[0] - second.place[0]) > 2:  # over what stands between
        top = y0 - 26
        path = f"M{x0 + width / 2} {y0}V{top + 8}q0 -8 8 -8H{x1 + width / 2 - 8}q8 0 8 8V{y1 - 2}"
        at = ((x0 + x1 + width) / 2, top - 8)
    elif y0 == y1:
        path = f"M{x0 + width} {y0 + height / 2}H{x1 - 2}"
        at = ((x0 + width + x1) / 2, y0 + height / 2 - 7 - 15 * (len(words) - 1))
    elif x0 == x1:
        start, end = (y0 + height, y1 - 2) if y1 > y0 else (y0, y1 + height + 2)
        path = f"M{x0 + width / 2} {start}V{end}"
        at, side = (x0 + width / 2 - 8, (start + end) / 2 + 4), "end"
    else:  # down to the next column
        path = f"M{x0 + width / 2 + 30} {y0 + height}V{(y0 + height + y1) / 2 - 8}q0 8 8 8"
        path += f"H{x1 + width / 2 - 8}q8 0 8 8V{y1 - 2}"
        at = ((x0 + x1 + width + 30) / 2, (y0 + height + y1) / 2 - 7)
    label = "\n".join(
        _text(at[0], at[1] + 15 * line, each, colours["soft"], anchor=side)
        for line, each in enumerate(words)
    )
    return (
        f'<path d="{path}" fill="none" stroke="{colours["line"]}" stroke-width="1.6" '
        f'marker-end="url(#tip)"/>\n{label}'
    )


def _legend(colours: Mapping[str, str]) -> str:
    parts, x, y = [], 4, HEIGHT - 18
    for kind, words in LEGEND.items():
        parts.append(
            f'<rect x="{x}" y="{y}" width="15" height="15" rx="4" fill="{colours[kind]}" '
            f'stroke="{colours["line"]}"/>'
        )
        parts.append(_text(x + 22, y + 12, words, colours["soft"], anchor="start"))
        x += 48 + 7 * len(words)
    return "\n".join(parts)


def pictures(rule_edges: Iterable[Edge]) -> dict[Path, str]:
    """Return the files of the picture and what is in them."""
    edges = drawn_edges(rule_edges)
    return {ROOT / "docs" / f"workflow-{theme}.svg": draw(edges, theme) for theme in THEMES}
