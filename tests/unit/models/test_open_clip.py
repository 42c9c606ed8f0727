"""The open_clip adapter: what is loaded, what is reported, and cropped text encoding."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from tiny_clip import PREPROCESSING, TINY, tiny_weights

from hierarcaps.models import hub
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, load_open_clip, open_clip
from hierarcaps.models.registry import load_model
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

CPU = torch.device("cpu")


@pytest.fixture
def tiny_architecture(monkeypatch: pytest.MonkeyPatch) -> str:
    """A built-in architecture without QuickGELU, as plain ViT-B-32 is."""
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-clip", TINY)
    return "tiny-clip"


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(tiny_weights(), path)
    return path


def test_local_folder_is_the_model_that_open_clip_itself_loads(tiny_folder: Path):
    encoder = load_model({"open_clip": str(tiny_folder)}, seed=0, device=CPU)
    reference, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{tiny_folder}")
    reference.eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{tiny_folder}")(["a goat", "an animal on a hill"])
    image = Image.effect_mandelbrot((40, 24), (-2, -1, 1, 1), 50).convert("RGB")
    with torch.inference_mode():
        expected_text = reference.encode_text(tokens, normalize=True)
        expected_image = reference.encode_image(preprocess(image)[None], normalize=True)
        text = encoder.encode_text(encoder.tokenise(["a goat", "an animal on a hill"]))
        pixels = encoder.encode_image(encoder.preprocess(image)[None])
    torch.testing.assert_close(text, expected_text, atol=1e-6, rtol=0)
    torch.testing.assert_close(pixels, expected_image, atol=0, rtol=0)


def test_seed_in_the_path(tiny_folder: Path, tmp_path: Path):
    shutil.copytree(tiny_folder, tmp_path / "seed3")
    entry = {"open_clip": f"{tmp_path}/seed{{seed}}", "seeds": [3, 4]}
    assert load_model(entry, seed=3, device=CPU).provenance()["name"].endswith("seed3")
    with pytest.raises(InputError, match="seed4: no such folder"):
        load_model(entry, seed=4, device=CPU)


def test_provenance_tells_what_was_loaded(tiny_encoder: OpenClipEncoder, tiny_folder: Path):
    provenance = json.loads(json.dumps(tiny_encoder.provenance()))
    assert provenance["weights_sha256"] == sha256_file(tiny_folder / "open_clip_model.safetensors")
    assert provenance["parameters"] == sum(value.numel() for value in tiny_weights().values())
    assert provenance["activation"] == {"image": ["GELU"], "text": ["GELU"]}
    assert provenance["preprocessing"] == {"size": [16, 16], **PREPROCESSING}


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_tag_decides_activation_and_preprocessing(
    monkeypatch: pytest.MonkeyPatch, tiny_architecture: str, weights_file: Path, quick_gelu: bool
):
    tag = {"file": str(weights_file), "mean": (0.1,) * 3, "quick_gelu": quick_gelu}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, tiny_architecture, {"openai": tag})
    encoder = load_model({"open_clip": tiny_architecture, "pretrained": "openai"}, 0, CPU)
    name = "QuickGELU" if quick_gelu else "GELU"
    assert encoder.provenance()["activation"] == {"image": [name], "text": [name]}
    assert encoder.provenance()["preprocessing"]["mean"] == (0.1,) * 3
    # The report is of the modules themselves, and they compute what they are called.
    reference = open_clip.CLIP(**TINY, quick_gelu=quick_gelu).eval()
    reference.load_state_dict(tiny_weights())
    tokens = encoder.tokenise(["a goat"])
    with torch.inference_mode():
        expected = reference.encode_text(tokens, normalize=True)
        torch.testing.assert_close(encoder.encode_text(tokens), expected, atol=1e-6, rtol=0)


def test_openai_weights_are_known_to_need_quick_gelu():
    assert open_clip.get_pretrained_cfg("ViT-B-32", "openai")["quick_gelu"] is True
    assert not open_clip.get_model_config("ViT-B-32").get("quick_gelu", False)


def test_architecture_with_local_weights(tiny_architecture: str, weights_file: Path):
    encoder = load_open_clip(tiny_architecture, str(weights_file), CPU)
    assert encoder.provenance()["weights_sha256"] == sha256_file(weights_file)


@settings(deadline=None, max_examples=20)
@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_cropped_texts_have_the_embeddings_of_padded_ones(
    tiny_encoder: OpenClipEncoder, texts: list[str]
):
    tokens = tiny_encoder.tokenise([*texts, "", "a <end_of_text> in the middle"])
    assert tokens.shape == (len(texts) + 2, TINY["text_cfg"]["context_length"])
    with torch.inference_mode():
        full = F.normalize(tiny_encoder.model.encode_text(tokens), dim=-1)
        torch.testing.assert_close(tiny_encoder.encode_text(tokens), full, atol=1e-5, rtol=0)


def test_long_texts_are_truncated_as_open_clip_does(tiny_encoder: OpenClipEncoder):
    long = "a goat on an island in the middle of a lake under a wide and cloudy sky"
    tokens = tiny_encoder.tokenise([long, long + " at night"])
    assert torch.equal(tokens[0], tokens[1])
    assert tiny_encoder.token_lengths(tokens).tolist() == [12, 12]


def test_text_encoding_is_differentiable(tiny_folder: Path):
    encoder = load_open_clip(str(tiny_folder), None, CPU)
    encoder.encode_text(encoder.tokenise(["a goat", ""]))[:, 0].sum().backward()
    assert encoder.model.text_projection.grad.abs().sum() > 0


def test_text_towers_that_see_the_padding_are_not_cropped(tiny_folder: Path, tmp_path: Path):
    config: dict[str, Any] = {"model_cfg": {**TINY, "custom_text": True}, "preprocess_cfg": {}}
    config["model_cfg"]["text_cfg"] = {
        **TINY["text_cfg"],
        "no_causal_mask": True,
        "pool_type": "last",
    }
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    model_cfg = {key: value for key, value in config["model_cfg"].items() if key != "custom_text"}
    save_file(
        open_clip.CustomTextCLIP(**model_cfg).state_dict(), tmp_path / "open_clip_model.safetensors"
    )
    encoder = load_open_clip(str(tmp_path), None, CPU)
    tokens = encoder.tokenise(["a goat", "an animal"])
    assert encoder.token_lengths(tokens).tolist() == [12, 12]
    with torch.inference_mode():
        expected = encoder.model.encode_text(tokens, normalize=True)
        torch.testing.assert_close(encoder.encode_text(tokens), expected, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"open_clip": "ViT-B32"}, "similar architectures: ViT-B-32"),
        ({"open_clip": "ViT-B32", "pretrained": "openai"}, "similar architectures: ViT-B-32"),
        (
            {"open_clip": "zzz", "pretrained": "qqq"},
            "a repository of the hub is 'transformers: zzz/qqq' or 'open_clip: hf-hub:zzz/qqq'",
        ),
        ({"open_clip": "ViT-B-32", "pretrained": "openia"}, "one of the tags openai, laion400m"),
        ({"open_clip": "ViT-B-32"}, "'pretrained' is missing.*openai"),
        ({"open_clip": "models/absent/seed0"}, "no such folder"),
        ({"open_clip": ""}, "open_clip is ''"),
        ({"clip": "ViT-B-32"}, "names 'clip', expected exactly one of open_clip"),
        ({"pretrained": "openai"}, "names none"),
    ],
)
def test_unknown_names_are_one_sentence(entry: dict, message: str):
    with pytest.raises(InputError, match=message) as error:
        load_model(entry, seed=0, device=CPU)
    assert "\n" not in str(error.value)


def test_without_network_the_message_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    for entry in (
        {"open_clip": "ViT-B-32", "pretrained": "openai"},
        {"open_clip": "hf-hub:example/never-downloaded"},
    ):
        with pytest.raises(InputError, match="there is no network, expected a local folder"):
            load_model(entry, seed=0, device=CPU)


class TestBrokenFolders:
    @pytest.fixture
    def folder(self, tiny_folder: Path, tmp_path: Path) -> Path:
        return shutil.copytree(tiny_folder, tmp_path / "model")

    def refuse(self, folder: Path, message: str) -> None:
        with pytest.raises(InputError, match=message) as error:
            load_open_clip(str(folder), None, CPU)
        assert str(folder) in str(error.value)
        assert "\n" not in str(error.value)

    def test_no_config(self, folder: Path):
        (folder / "open_clip_config.json").unlink()
        self.refuse(folder, "open_clip_config.json is missing")

    def test_config_that_is_no_json(self, folder: Path):
        (folder / "open_clip_config.json").write_text("{")
        self.refuse(folder, "not a readable JSON file")

    def test_config_of_something_else(self, folder: Path):
        (folder / "open_clip_config.json").write_text("{}")
        self.refuse(folder, "'model_cfg' is missing")

    def test_config_with_an_unknown_key(self, folder: Path):
        config = {"model_cfg": {**TINY, "colour": 1}}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        self.refuse(folder, "colour")

    def test_no_weights(self, folder: Path):
        (folder / "open_clip_model.safetensors").unlink()
        self.refuse(folder, "open_clip_model.safetensors is missing")

    def test_truncated_weights(self, folder: Path):
        path = folder / "open_clip_model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        self.refuse(folder, "is cut off, .* bytes of at least")

    def test_weights_of_another_architecture(self, folder: Path):
        config = {"model_cfg": {**TINY, "embed_dim": 8}}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        self.refuse(folder, "does not fit the architecture.*size mismatch")

    def test_weights_that_are_not_numbers(self, folder: Path):
        weights = tiny_weights()
        weights["text_projection"][0, 0] = float("nan")
        save_file(weights, folder / "open_clip_model.safetensors")
        self.refuse(folder, "not finite")


class _Payload:
    def __reduce__(self):
        return (print, ("executed",))


def test_pickles_are_never_executed(
    tmp_path: Path, tiny_architecture: str, capsys: pytest.CaptureFixture[str]
):
    raw, saved = tmp_path / "raw.pt", tmp_path / "saved.pt"
    raw.write_bytes(pickle.dumps(_Payload()))
    torch.save({"state_dict": _Payload()}, saved)
    for path in (raw, saved):
        with pytest.raises(
            InputError, match=r"objects besides tensors .*print|not a file of tensors"
        ):
            load_open_clip(tiny_architecture, str(path), CPU)
    assert "executed" not in capsys.readouterr().out
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(InputError, match="no known kind of weights file"):
        load_open_clip(tiny_architecture, str(tmp_path / "weights.npz"), CPU)


def test_any_module_of_the_package_may_be_imported_first():
    code = "import hierarcaps.models.open_clip_family.packing"
    subprocess.run([sys.executable, "-c", code], check=True)
