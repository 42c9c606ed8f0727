"""A small study on disk: a model, aligned, and what was measured of both."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tiny_clip import write_folder

from hierarcaps.models.roots import write_root
from hierarcaps.runtime.files import sha256_file, write_json

PARAMS = Path(__file__).resolve().parents[3] / "params.yaml"


def write_result(study: Path, objective: str, weights: Path, value: float, seed: int = 0) -> None:
    metric = {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 60}
    model = {"weights_sha256": sha256_file(weights)}
    content: dict[str, Any] = {
        "model": "vit-8", "objective": objective, "seed": seed, "task": "ordering",
        "task_version": 1, "unit": "items", "metrics": {"tau_d": metric},
        "provenance": {"data_sha256": "d" * 64, "params_sha256": "p" * 64, "model": model},
    }  # fmt: skip
    write_json(study / "results" / "vit-8" / objective / f"seed{seed}" / "ordering.json", content)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """``models/vit-8/seed0``, aligned as ``re/seed2``, with results of both."""
    study = tmp_path / "study"
    base, aligned = study / "models/vit-8/seed0", study / "models/vit-8/re/seed2"
    for folder in (base, aligned):
        folder.mkdir(parents=True)
        write_folder(folder)
    weights = load_file(aligned / "open_clip_model.safetensors")
    torch.manual_seed(1)
    weights["text_projection"] += 0.1 * torch.randn_like(weights["text_projection"])
    save_file(weights, aligned / "open_clip_model.safetensors")
    write_root(aligned / "root.json", "empty", None)
    write_result(study, "zeroshot", base / "open_clip_model.safetensors", 0.875)
    write_result(study, "re", aligned / "open_clip_model.safetensors", 0.925, seed=2)
    write_json(
        study / "results" / "run.json",
        {
            "params": yaml.safe_load(PARAMS.read_text()),
            "versions": {"python": "3.11.2", "torch": "2.13.0"},
            "test_set": {"source": "drawn scenes", "n_items": 60, "n_texts": 240},
        },
    )
    (study / "data/hierarcaps").mkdir(parents=True)
    chain = "thing => a boat => a red boat => a red boat at sea"
    other = "animal => a car => a blue boat => a red boat on a beach"
    rows = f"positive,negative\n{chain},{other}\n"
    (study / "data/hierarcaps/train.csv").write_text(rows)
    return study


@pytest.fixture
def resnet(tmp_path: Path) -> Path:
    """An open_clip checkpoint that no class of transformers can hold."""
    from tiny_clip import PREPROCESSING, TINY

    from hierarcaps.models.open_clip_family.encoder import open_clip

    vision = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}
    config = {**TINY, "vision_cfg": vision}
    folder = tmp_path / "resnet"
    folder.mkdir()
    files = {"model_cfg": config, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(files))
    torch.manual_seed(0)
    save_file(open_clip.CLIP(**config).state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture
def transformers_study(study: Path) -> Path:
    """The same study, whose models are of transformers."""
    from tiny_transformers import tiny_clip

    shutil.rmtree(study / "models")
    for folder in ("seed0", "re/seed2"):
        tiny_clip(study / "models/vit-8" / folder)
    return study
