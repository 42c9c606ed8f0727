"""Synthetic results of alignment: real geometry of random embeddings, made numbers elsewhere."""

from pathlib import Path

import pandas as pd
from synthetic_results import _run, write_results

from hierarcaps.evaluation.differences import COLUMNS
from hierarcaps.evaluation.published import write_comparison
from hierarcaps.evaluation.results import POOLED_COLUMNS
from hierarcaps.evaluation.tasks.space import exterior_angles
from hierarcaps.models.embeddings import read_embeddings

PUBLISHED = Path(__file__).resolve().parents[2] / "config" / "paper_results.csv"
MODELS: list[list] = [
    ["rn-24", "zeroshot", [0]],
    ["rn-24", "re", [0, 1]],
    ["rn-24", "ec", [0, 1]],
    ["vit-8", "zeroshot", [0]],
    ["vit-8", "re", [0, 1]],
    ["vit-8", "ec", [0, 1]],
]
# Objective and metric -> difference: RE gains precision and loses R@1, EC gains order.
CHANGES = {
    ("re", "zeroshot", "precision"): 0.03,
    ("re", "zeroshot", "image_to_text_r1"): -0.02,
    ("ec", "zeroshot", "tau_d"): 0.05,
    ("re", "ec", "recall"): 0.001,
}
TASKS = {
    "precision": "hierarchical_retrieval",
    "recall": "hierarchical_retrieval",
    "tau_d": "ordering",
    "tau_d_length_controlled": "ordering",
    "image_to_text_r1": "retrieval",
    "text_to_image_r1": "retrieval",
}


def _differences(n: int) -> pd.DataFrame:
    rows = []
    for model, objective, seeds in MODELS:
        for reference in {"re": ("zeroshot", "ec"), "ec": ("zeroshot",)}.get(objective, ()):
            for seed in seeds:
                for metric, task in TASKS.items():
                    value = CHANGES.get((objective, reference, metric), 0.0) + 0.001 * seed
                    head = (model, objective, reference, seed, task, metric)
                    rows.append((*head, value, value - 0.01, value + 0.01, n))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pooled(differences: pd.DataFrame, aligned: pd.DataFrame) -> pd.DataFrame:
    """Return means over orders of the items: of the metrics, and of their differences."""
    values = aligned.assign(reference="")
    differences = differences.rename(columns={"difference": "value"})
    key = POOLED_COLUMNS[:5]
    groups = pd.concat([values, differences]).groupby(key, sort=False)
    means = groups.agg(value=("value", "mean"), n=("n", "max"), runs=("seed", "nunique"))
    table = means.reset_index().assign(trainings=1)
    for name in ("", "items_"):
        table[f"{name}low"] = table["value"] - 0.01
        table[f"{name}high"] = table["value"] + 0.01
    return table[POOLED_COLUMNS]


def _geometry(folder: Path, golds: list[list[str]]) -> None:
    rows = []
    for index, gold in enumerate(golds):
        other = golds[(index + 1) % len(golds)]
        for tier in range(3):
            rows.append((f"test-{index:05d}", tier + 1, "entailed", gold[tier], gold[tier + 1]))
            rows.append((f"test-{index:05d}", tier + 1, "other", gold[tier], other[tier + 1]))
    table = pd.DataFrame(rows, columns=["item_id", "tier", "kind", "parent", "child"])
    embeddings = read_embeddings(folder / "embeddings.safetensors")
    table["angle"] = exterior_angles(embeddings, list(table["parent"]), list(table["child"]))
    table.to_parquet(folder / "entailment.parquet")


def _curve(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True)
    rows = []
    for step in (0, 25, 50):
        level = step / 50 + 0.01 * seed
        row = {"step": step, "split": "validation", "learning_rate": 3e-5}
        row |= dict.fromkeys(("total", "triplet", "hard"), -level) | {"prior": 0.001 * level}
        row |= {f"radius_{tier}": 0.2 * tier + 0.05 * level for tier in range(1, 5)}
        row |= {"angle_positive": 1.2 - 0.1 * level, "angle_negative": 1.5, "angle_margin": level}
        row |= {"angle_violations": 0.2, "radius_violations": 0.1, "tau_d": 0.9}
        rows += [row | {"r1_retention": 1 - 0.01 * level}, {"step": step + 5, "split": "train"}]
    pd.DataFrame(rows).to_csv(path, index=False)


def write_alignment(root: Path, n: int = 12, suffix: str = "") -> dict:
    """Write a results folder with aligned runs; return the notebook's parameters."""
    results = root / "results"
    results.mkdir()
    write_results(results, n=n, suffix=suffix)
    golds = [list(gold) for gold in pd.read_parquet(results / "examples.parquet")["gold"]]
    rows, curves = [], []
    for model, objective, seeds in MODELS:
        for seed in seeds:
            if objective != "zeroshot":
                rows += _run(results, model, seed, golds, objective)
                path = root / "models" / model / objective / f"seed{seed}" / "curve.csv"
                _curve(path, seed)
                curves.append([model, objective, seed, str(path)])
            _geometry(results / model / objective / f"seed{seed}", golds)
    summary = pd.concat([pd.read_csv(results / "summary.csv"), pd.DataFrame(rows)])
    summary.to_csv(results / "summary.csv", index=False)
    differences = _differences(n)
    differences.to_csv(results / "differences.csv", index=False)
    _pooled(differences, pd.DataFrame(rows)).to_csv(results / "pooled.csv", index=False)
    write_comparison(results, PUBLISHED, results / "published.csv")
    further = {name: str(results / name) for name in ("ablations", "sweep")}  # not there
    return {"results": str(results), "models": MODELS, "curves": curves, **further}
