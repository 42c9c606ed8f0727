"""A tiny open_clip model on disk, as the workflow writes them."""

from pathlib import Path

import pytest
import torch
from tiny_clip import write_folder

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, load_open_clip


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_encoder(tiny_folder: Path) -> OpenClipEncoder:
    return load_open_clip(str(tiny_folder), None, torch.device("cpu"))
