"""What every adapter must hold to, on tiny checkpoints of every family."""

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_meru
import tiny_transformers
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from tiny_clip import PREPROCESSING, TINY

from hierarcaps.geometry import lorentz
from hierarcaps.geometry.spaces import Geometry, Lorentz
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.meru_family.encoder import Meru
from hierarcaps.models.open_clip_family.encoder import open_clip
from hierarcaps.models.registry import load_model

CPU = torch.device("cpu")
LONG = "a goat on an island in the middle of a lake under a wide and cloudy sky " * 4
UNICODE = ["山羊在岛上", "une chèvre à l'île", "🐐🏝️", "a goat 🐐", "козёл", "\u200b", "\n\t", "\0"]
TEXTS = ["", "a goat", "an animal on a hill", LONG, *UNICODE]

OPEN_CLIP: dict[str, dict[str, Any]] = {
    "vit": TINY,
    "resnet": {**TINY, "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}},
    "whole-context": {
        **TINY,
        "custom_text": True,
        "text_cfg": {**TINY["text_cfg"], "no_causal_mask": True, "pool_type": "last"},
    },
}


def open_clip_folder(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"model_cfg": config, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(files))
    torch.manual_seed(0)
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    model = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def meru_folder(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    files = {"model_cfg": config, "preprocess_cfg": PREPROCESSING}
    (folder / "meru_config.json").write_text(json.dumps(files))
    torch.manual_seed(0)
    save_file(Meru(config).state_dict(), folder / "meru_model.safetensors")
    return folder


@pytest.fixture(
    scope="module",
    params=[
        *(("open_clip", name) for name in OPEN_CLIP),
        *(("transformers", name) for name in tiny_transformers.TINY),
        ("meru", "published"),
        ("meru", "pretrained"),
    ],
    ids="-".join,
)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    family, name = request.param
    folder = tmp_path_factory.mktemp("models") / name
    if family == "open_clip":
        open_clip_folder(folder, OPEN_CLIP[name])
    elif name == "published":
        folder = tiny_meru.write_published(folder / "meru.pth")
    elif name == "pretrained":
        meru_folder(folder, OPEN_CLIP["resnet"])
    else:
        tiny_transformers.TINY[name](folder)
    return load_model({family: str(folder)}, seed=0, device=CPU)


def embed(encoder: DualEncoder, texts: list[str]) -> torch.Tensor:
    with torch.inference_mode():
        return encoder.encode_text(encoder.tokenise(texts))


def assert_in_space(vectors: torch.Tensor, geometry: Geometry) -> None:
    assert vectors.dtype == torch.float32
    if isinstance(geometry, Lorentz):
        # Every finite row is a point; it is one that was lifted from the tangent space.
        tangents = lorentz.log_map0(vectors, geometry.curvature)
        lifted = lorentz.exp_map0(tangents, geometry.curvature)
        torch.testing.assert_close(lifted, vectors, atol=1e-5, rtol=1e-5)
    else:
        norms = vectors.norm(dim=-1)
        torch.testing.assert_close(norms, torch.ones_like(norms), atol=1e-5, rtol=0)


def test_texts_of_all_kinds_lie_in_the_models_space(encoder: DualEncoder):
    tokens = encoder.tokenise(TEXTS)
    assert tokens.dtype == torch.int64
    assert tokens.shape == (len(TEXTS), encoder.tokenise(["a"]).shape[1])
    assert_in_space(embed(encoder, TEXTS), encoder.geometry)


def test_the_empty_string_is_a_text_of_its_own(encoder: DualEncoder):
    root, goat = embed(encoder, ["", "a goat"])
    torch.testing.assert_close(embed(encoder, [""])[0], root, atol=1e-5, rtol=0)
    assert (root - goat).norm() > 1e-3


def test_long_texts_are_truncated(encoder: DualEncoder):
    tokens = encoder.tokenise([LONG, LONG + "at night"])
    assert torch.equal(tokens[0], tokens[1])
    assert encoder.token_lengths(tokens).tolist() == [tokens.shape[1]] * 2


@settings(deadline=None, max_examples=15)
@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_no_text_is_changed_by_those_beside_it(encoder: DualEncoder, texts: list[str]):
    texts = [*texts, "", "a goat", LONG, "[PAD] <end_of_text> <|endoftext|> </s> in the middle"]
    together = embed(encoder, texts)
    assert_in_space(together, encoder.geometry)
    alone = torch.cat([embed(encoder, [text]) for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_no_image_is_changed_by_those_beside_it(encoder: DualEncoder):
    pictures = [
        Image.effect_mandelbrot((40, 24), (-2, -1, 1, 1), 50).convert("RGB"),
        Image.new("RGB", (3, 90), "red"),
        Image.new("RGB", (1, 1)),
    ]
    images = torch.stack([encoder.preprocess(picture) for picture in pictures])
    assert images.dtype == torch.float32
    with torch.inference_mode():
        together = encoder.encode_image(images)
        alone = torch.cat([encoder.encode_image(image[None]) for image in images])
    assert_in_space(together, encoder.geometry)
    assert together.shape[1] == embed(encoder, ["a goat"]).shape[1]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert (together[0] - together[1]).norm() > 1e-4


def test_text_encoding_is_differentiable(encoder: DualEncoder):
    encoder.encode_text(encoder.tokenise(["a goat", ""]))[:, 0].sum().backward()
    gradients = {
        name: parameter.grad
        for name, parameter in encoder.model.named_parameters()
        if parameter.grad is not None
    }
    encoder.model.zero_grad()
    assert any("projection" in name or "head" in name for name in gradients)
    assert all(bool(gradient.isfinite().all()) for gradient in gradients.values())
    assert not any(name.startswith(("visual", "vision", "clip.visual")) for name in gradients)


def test_provenance_is_json_and_says_what_was_loaded(encoder: DualEncoder):
    provenance = json.loads(json.dumps(encoder.provenance()))
    assert provenance["parameters"] == sum(p.numel() for p in encoder.model.parameters())
    assert len(provenance["weights_sha256"]) == 64
    assert all(provenance["activation"][tower] for tower in ("image", "text"))
    assert provenance["preprocessing"]["size"]
