"""Alignment of CLIP, ALIGN and SigLIP of the transformers library, and what is left on disk."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from tiny_transformers import TINY

from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.alignment.text_tower import text_parameters
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.registry import load_model
from hierarcaps.models.save import save_encoder
from hierarcaps.models.transformers_family.encoder import TransformersEncoder

SHARED = {
    "clip": {"logit_scale"},
    "align": {"temperature"},
    "siglip": {"logit_scale", "logit_bias"},
}
SETTINGS = AlignmentSettings("re", learning_rate=1e-3, max_steps=3, log_every=1)


@pytest.fixture(params=TINY)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def loaded(name: str, tmp_path: Path) -> TransformersEncoder:
    return load_model(
        {"transformers": str(TINY[name](tmp_path / "original"))}, 0, torch.device("cpu")
    )


def test_only_text_tower_and_projection_change(
    name: str,
    loaded: TransformersEncoder,
    items: list[CaptionHierarchy],
    held_out: list[CaptionHierarchy],
) -> None:
    before = {key: value.clone() for key, value in loaded.model.state_dict().items()}
    result = align(loaded, items, held_out, SETTINGS, seed=0)
    changed = {
        key
        for key, value in loaded.model.state_dict().items()
        if not torch.equal(value, before[key])
    }
    # ALIGN's BERT has a pooling layer that its text features never use, hence no gradient.
    trained = {key for key in text_parameters(loaded.model) if ".pooler." not in key}
    assert changed == trained
    assert set(before) - {key for key in before if key.startswith("text_")} >= SHARED[name]
    assert all(key.startswith("text_") for key in changed)
    assert {"text_projection.weight", "text_model.head.weight"} & changed
    first, *_, last = (row for row in result.curve if row["split"] == "train")
    assert first["total"] != last["total"]


def test_an_aligned_model_is_an_ordinary_folder(
    loaded: TransformersEncoder,
    items: list[CaptionHierarchy],
    held_out: list[CaptionHierarchy],
    tmp_path: Path,
) -> None:
    align(loaded, items, held_out, SETTINGS, seed=0)
    folder = tmp_path / "aligned"
    save_encoder(loaded, folder)
    again = load_model({"transformers": str(folder)}, 0, torch.device("cpu"))
    plain = transformers.AutoModel.from_pretrained(folder)
    assert type(plain) is type(loaded.model)
    for key, value in loaded.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[key], value)
        assert torch.equal(plain.state_dict()[key], value)
    assert transformers.AutoTokenizer.from_pretrained(folder)("a goat")["input_ids"]
    texts = ["", "a goat", "a Duck 🦆"]
    assert torch.equal(again.tokenise(texts), loaded.tokenise(texts))
    assert again.provenance()["preprocessing"] == loaded.provenance()["preprocessing"]
    weights = folder / "model.safetensors"
    assert weights.stat().st_mode == (folder / "config.json").stat().st_mode
    assert not any(str(tmp_path) in path.read_text() for path in folder.glob("*.json"))
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    save_encoder(again, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content
    assert json.loads((folder / "config.json").read_text())["dtype"] == "float32"
