"""A tiny open_clip model on disk, as the workflow writes them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_clip import PREPROCESSING, TINY, tiny_weights

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, load_open_clip


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(tiny_weights(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(scope="session")
def tiny_encoder(tiny_folder: Path) -> OpenClipEncoder:
    return load_open_clip(str(tiny_folder), None, torch.device("cpu"))
