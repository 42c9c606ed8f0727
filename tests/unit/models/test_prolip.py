"""A ProLIP is told from other checkpoints and refused, wherever it is named."""

import json
from pathlib import Path

import pytest

from hierarcaps.models.prolip import refuse_prolip
from hierarcaps.models.registry import load_model
from hierarcaps.runtime.errors import InputError


@pytest.mark.parametrize(
    "entry",
    [
        {"transformers": "SanghyukChun/ProLIP-ViT-B-16-DC-1B-12_8B"},
        {"open_clip": "hf-hub:SanghyukChun/ProLIP-ViT-H-14-FT-DC-1B-1_28B"},
        "hf-hub:SanghyukChun/LongProLIP-ViT-B-16",
    ],
)
def test_it_is_refused_from_the_hub(entry) -> None:
    with pytest.raises(InputError, match=r"is a ProLIP, which cannot be loaded.*naver-ai/prolip"):
        load_model(entry, device="cpu")


def test_it_is_refused_from_a_folder(tmp_path: Path) -> None:
    config = {"embed_dim": 8, "vision_cfg": {"embed_unc": True}, "text_cfg": {"embed_unc": True}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="is a ProLIP"):
        load_model(str(tmp_path), device="cpu")


@pytest.mark.parametrize("config", ["{", "[]", '{"model_type": "clip"}', '{"text_cfg": {}}'])
def test_others_are_left_to_their_loaders(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    refuse_prolip(str(tmp_path))
    refuse_prolip("ViT-B-32")
