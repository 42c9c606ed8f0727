"""Synthetic results in the study's layout: plausible numbers, no model behind them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image, ImageDraw
from synthetic_leaderboard import write_board

from hierarcaps.models.embeddings import Embeddings, write_embeddings
from hierarcaps.runtime.files import write_json

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
MODELS: list[list] = [
    ["rn-24", "zeroshot", [0]],
    ["rn-16", "zeroshot", [0]],
    ["vit-8", "zeroshot", [0]],
    ["rn-24-untrained", "zeroshot", [0, 1, 2]],
    ["vit-8-untrained", "zeroshot", [0, 1, 2]],
]
SKILL = {"rn-24": 0.95, "rn-16": 0.9, "vit-8": 0.8, "rn-24-untrained": 0.1}
PR = ("precision", "recall")
CHAINS = [
    ("an animal", "a bird", "a duck", "a yellow duck on the beach"),
    ("a picture of a vehicle", "a car", "a red car", "a big red car in the snow"),
    ("food", "a piece of fruit", "an apple", "a small green apple in a room"),
    ("a building", "a house", "a white house", "a white house next to a tree at night"),
]


def _png(index: int, size: int = 64) -> bytes:
    image = Image.new("RGB", (size, size), (200, 225 - index % 60, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, size * 0.7, size, size), fill=(225, 200, 140))
    colour = [(220, 60, 40), (240, 190, 40), (60, 140, 70), (70, 90, 180)][index % 4]
    draw.ellipse((size * 0.25, size * 0.3, size * 0.75, size * 0.8), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _summary_row(model, objective, seed, task, metric, value, n, half=0.015) -> dict:
    return {
        "model": model,
        "objective": objective,
        "seed": seed,
        "task": task,
        "metric": metric,
        "value": value,
        "low": max(value - half, -1.0),
        "high": min(value + half, 1.0),
        "n": n,
    }


def _ordering(rng, skill: float, n: int) -> pd.DataFrame:
    tiers = np.arange(4)
    radii = 0.5 + 0.5 * skill + 0.12 * skill * tiers + rng.normal(0, 0.05, (n, 4))
    angles = np.clip(rng.normal(1.9 - 0.6 * skill, 0.25, (n, 3)), 0, np.pi)
    words = 2 + 2 * tiers + rng.integers(0, 3, (n, 4))
    frame = pd.DataFrame({"item_id": [f"test-{i:05d}" for i in range(n)]})
    order = np.sign(radii[:, None, :] - radii[:, :, None])[:, *np.triu_indices(4, 1)]
    frame["tau"] = order.mean(axis=1)
    frame["tau_length_controlled"] = np.where(rng.random(n) < 0.4, np.nan, order[:, 0])
    for i in range(4):
        frame[f"radius_{i + 1}"] = radii[:, i]
        frame[f"words_{i + 1}"] = words[:, i]
        frame[f"characters_{i + 1}"] = words[:, i] * 5
    for i in range(3):
        frame[f"angle_{i + 1}"] = angles[:, i]
    return frame


def _hierarchical(rng, skill: float, golds: list[list[str]]) -> pd.DataFrame:
    rows = []
    for i, gold in enumerate(golds):
        retrieved = []
        for tier, caption in enumerate(gold):
            if rng.random() < skill * (0.75 - 0.1 * tier):
                retrieved.append(caption)
            if rng.random() < 0.5 or (tier == 3 and not retrieved):
                retrieved.append(CHAINS[rng.integers(4)][tier].replace("a ", "one ", 1) + " here")
        hits = len(set(retrieved) & set(gold))
        name = f"test-{i:05d}"
        rows.append((name, f"{name}.png", hits / len(set(retrieved)), hits / 4, retrieved, gold))
    return pd.DataFrame(
        rows, columns=["item_id", "image", "precision", "recall", "retrieved", "gold"]
    )


def _retrieval(rng, skill: float, n: int) -> pd.DataFrame:
    ranks = np.minimum(rng.geometric(max(skill * 0.8, 2 / (n + 2)), (n, 2)), n)
    frame = pd.DataFrame(ranks, columns=["image_to_text_rank", "text_to_image_rank"])
    frame.insert(0, "item_id", [f"test-{i:05d}" for i in range(n)])
    return frame


def _embeddings(folder: Path, golds: list[list[str]], seed: int) -> None:
    """Write random unit vectors: images, texts and the root."""
    strings = tuple(sorted({text for gold in golds for text in gold}))
    names = tuple(f"test-{i:05d}.png" for i in range(len(golds)))
    rng = np.random.default_rng([seed, *"/".join(folder.parts[-3:]).encode()])
    vectors = rng.standard_normal((len(names) + len(strings) + 1, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    images, texts = vectors[: len(names)], vectors[len(names) : -1]
    embeddings = Embeddings(images, texts, vectors[-1], names, strings, {})
    write_embeddings(folder / "embeddings.safetensors", embeddings)


def _run(
    root: Path, model: str, seed: int, golds: list[list[str]], objective: str = "zeroshot"
) -> list[dict]:
    n = len(golds)
    rng = np.random.default_rng([seed, *model.encode(), *objective.encode()])
    skill = SKILL.get(model, float(rng.uniform(0.05, 0.3)))
    folder = root / model / objective / f"seed{seed}"
    folder.mkdir(parents=True)
    ordering, found = _ordering(rng, skill, n), _hierarchical(rng, skill, golds)
    ranks = _retrieval(rng, skill, n)
    ordering.to_parquet(folder / "ordering.parquet")
    found.to_parquet(folder / "hierarchical_retrieval.parquet")
    ranks.to_parquet(folder / "retrieval.parquet")
    gap = pd.DataFrame({"item_id": ordering.item_id, "image_radius": rng.normal(1.2, 0.05, n)})
    gap.to_parquet(folder / "modality_gap.parquet")
    _embeddings(folder, golds, seed)
    pairs = zip(found.retrieved, found.gold, strict=True)
    hits = np.array([[g in set(r) for g in gold] for r, gold in pairs])
    values = {
        ("ordering", "tau_d"): ordering.tau.mean(),
        ("ordering", "tau_d_length_controlled"): ordering.tau_length_controlled.mean(),
        ("hierarchical_retrieval", "precision"): found.precision.mean(),
        ("hierarchical_retrieval", "recall"): found.recall.mean(),
    }
    for tier in range(4):
        values["hierarchical_retrieval", f"recall_tier_{tier + 1}"] = hits[:, tier].mean()
    for way in ("image_to_text", "text_to_image"):
        for k in (1, 5, 10):
            values["retrieval", f"{way}_r{k}"] = (ranks[f"{way}_rank"] <= k).mean()
    for control in ("words", "characters", "shuffled"):
        for metric in ("precision", "recall"):
            values["radius_controls", f"{metric}_{control}"] = found[metric].mean() / 2
    for root_name, share in (("empty", 1.0), ("mean", 0.6), ("origin", 0.0)):
        for metric, task in (("tau_d", "ordering"), *((m, "hierarchical_retrieval") for m in PR)):
            values["root_ablation", f"{metric}_{root_name}"] = share * values[task, metric]
    values["modality_gap", "gap"] = 0.4
    values["modality_gap", "image_radius"] = gap.image_radius.mean()
    for metric in ("plain", "coloured"):
        values["length_matched", metric] = 0.5 + skill / 2
    for kind in ("other", "reversed"):
        values["entailment", f"auroc_{kind}"] = 0.5 + skill / 2
        values["entailment", f"auroc_{kind}_radius"] = 0.5
    for metric in ("fine_accuracy", "coarse_accuracy", "coarse_accuracy_of_fine"):
        values["classification", metric] = skill
    return [_summary_row(model, objective, seed, *key, float(v), n) for key, v in values.items()]


def write_results(root: Path, n: int = 60, drawn: bool = True, suffix: str = "") -> list[list]:
    """Write a results folder of ``n`` items; return its ``models`` parameter.

    ``suffix`` is appended to every most specific caption: hostile text goes there.
    """
    golds = [[*CHAINS[i % 4][:3], f"{CHAINS[i % 4][3]}, {i}{suffix}"] for i in range(n)]
    rows = []
    for model, _, seeds in MODELS:
        for seed in seeds:
            rows += _run(root, model, seed, golds)
    for name, tau, controlled in (("words", 0.88, -0.4), ("characters", 0.86, -0.2)):
        rows.append(_summary_row(name, "baseline", 0, "ordering", "tau_d", tau, n))
        rows.append(
            _summary_row(
                name, "baseline", 0, "ordering", "tau_d_length_controlled", controlled, n // 2
            )
        )
    for metric, value in (("tau_d", -0.3), ("tau_d_length_controlled", -0.8)):
        rows.append(_summary_row("frequency", "baseline", 0, "ordering", metric, value, n))
    folder = root / "words" / "baseline" / "seed0"
    folder.mkdir(parents=True)
    _ordering(np.random.default_rng(0), 0.6, n).to_parquet(folder / "ordering.parquet")
    for metric, value in (("tau_d", 0.01), ("tau_d_length_controlled", -0.02)):
        rows.append(_summary_row("random", "baseline", 0, "ordering", metric, value, n, 0.05))
    for metric in ("precision", "recall", *(f"recall_tier_{i}" for i in range(1, 5))):
        rows.append(
            _summary_row("random", "baseline", 0, "hierarchical_retrieval", metric, 0.004, n, 0.004)
        )
    pd.DataFrame(rows).to_csv(root / "summary.csv", index=False)
    write_board(root / "leaderboard.json", n=n, hostile=suffix)
    examples = [(f"test-{i:05d}", _png(i), gold) for i, gold in enumerate(golds[: min(n, 40)])]
    pd.DataFrame(examples, columns=["item_id", "image", "gold"]).to_parquet(
        root / "examples.parquet"
    )
    if drawn:
        (root / "figures").mkdir()
        sheet = Image.new("RGB", (8 * 66, 4 * 66), "white")
        for i in range(32):
            sheet.paste(Image.open(io.BytesIO(_png(i))), (66 * (i % 8), 66 * (i // 8)))
        sheet.save(root / "figures" / "contact_sheet.png")
    write_json(
        root / "run.json",
        {
            "params": yaml.safe_load(PARAMS.read_text()),
            "versions": {"python": "3.11.2", "torch": "2.13.0", "open_clip_torch": "3.3.0"},
            "test_set": {"source": "drawn scenes", "n_items": n, "n_texts": 4 * n},
        },
    )
    return MODELS
