"""A saved model is an ordinary open_clip folder with the same embeddings."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, load_open_clip, open_clip
from hierarcaps.models.open_clip_family.save import save_open_clip

TEXTS = ["", "a dog", "two red boats on a beach"]


def assert_same(encoder: OpenClipEncoder, folder: Path) -> None:
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    images = torch.rand(2, 3, *encoder.provenance()["preprocessing"]["size"])
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS)
    with torch.inference_mode():
        assert torch.equal(model.encode_text(tokens), encoder.model.encode_text(tokens))
        assert torch.equal(model.encode_image(images), encoder.model.encode_image(images))
    again = load_open_clip(str(folder), None, torch.device("cpu"))
    assert described(again) == described(encoder)


def described(encoder: OpenClipEncoder) -> str:
    files = ("name", "pretrained", "weights_file", "weights_sha256")
    return json.dumps({k: v for k, v in encoder.provenance().items() if k not in files})


def test_a_folder_is_saved_as_it_was_loaded(tiny_folder: Path, tmp_path: Path) -> None:
    encoder = load_open_clip(str(tiny_folder), None, torch.device("cpu"))
    with torch.no_grad():
        encoder.model.text_projection.add_(0.1)
    save_open_clip(encoder, tmp_path / "saved")
    assert_same(encoder, tmp_path / "saved")


def test_an_architecture_keeps_its_activation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path
) -> None:
    open_clip.add_model_config(write_config(tmp_path, tiny_folder))
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(open_clip.create_model("tiny-quick").state_dict(), weights)
    encoder = load_open_clip("tiny-quick", str(weights), torch.device("cpu"))
    assert encoder.provenance()["activation"]["text"] == ["QuickGELU"]
    save_open_clip(encoder, tmp_path / "saved")
    assert_same(encoder, tmp_path / "saved")


def write_config(folder: Path, tiny_folder: Path) -> Path:
    config = json.loads((tiny_folder / "open_clip_config.json").read_text())["model_cfg"]
    path = folder / "tiny-quick.json"
    path.write_text(json.dumps({**config, "quick_gelu": True}))
    return path
