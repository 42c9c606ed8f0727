"""A CLIP so small that tests can build it at once."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from hierarcaps.models.open_clip_family.encoder import open_clip

TINY: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {
        "context_length": 12,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 2,
    },
}
PREPROCESSING = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "interpolation": "bilinear",
    "resize_mode": "squash",
}


def tiny_weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return open_clip.CLIP(**TINY).state_dict()


def write_folder(folder: Path) -> Path:
    """Write it as the workflow does."""
    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(tiny_weights(), folder / "open_clip_model.safetensors")
    return folder
