"""MERU: published checkpoints are what their own towers compute, and wrong ones are refused."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_meru import CONTEXT, EMBED, SIZE, published_meru, write_published

from hierarcaps.alignment.text_tower import PackedTextTower, trainable_tower
from hierarcaps.geometry.spaces import Lorentz, Sphere
from hierarcaps.models import hub
from hierarcaps.models.meru_family.encoder import Meru, load_meru
from hierarcaps.models.open_clip_family.encoder import open_clip
from hierarcaps.models.registry import load_model
from hierarcaps.models.save import save_encoder
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

CPU = torch.device("cpu")
TEXTS = ["", "a goat", "An animal  on a hill", "it's a café &amp; a bar " * 9]
CONFIG = {
    "model_cfg": {
        "embed_dim": 8,
        "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8},
        "text_cfg": {
            "context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1,
        },
    },
    "preprocess_cfg": {
        "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("meru") / "meru_vit_tiny.pth")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    (tmp_path / "meru_config.json").write_text(json.dumps(CONFIG))
    save_file(Meru(CONFIG["model_cfg"]).state_dict(), tmp_path / "meru_model.safetensors")
    return tmp_path


@torch.inference_mode()
def test_a_published_checkpoint_is_what_its_own_towers_compute(checkpoint: Path):
    encoder, reference = load_meru(str(checkpoint), CPU), published_meru()
    tokens = open_clip.SimpleTokenizer(context_length=CONTEXT)(TEXTS)
    assert torch.equal(encoder.tokenise(TEXTS), tokens)
    found, expected = encoder.encode_text(tokens), reference.encode_text(tokens)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert (expected[0] - expected[1]).norm() > 0.01
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    images = torch.stack([encoder.preprocess(Image.fromarray(each)) for each in pixels])
    expected = reference.encode_image(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(encoder.encode_image(images), expected, atol=1e-5, rtol=1e-5)
    assert expected.shape == (3, EMBED)
    assert encoder.geometry.name == "lorentz"
    assert encoder.geometry.curvature == pytest.approx(np.exp(-0.7))


def test_an_image_is_cropped_to_its_middle(checkpoint: Path):
    encoder = load_meru(str(checkpoint), CPU)
    picture = Image.new("RGB", (3 * SIZE, SIZE), "white")
    picture.paste("black", (SIZE, 0, 2 * SIZE, SIZE))
    black = torch.stack([encoder.preprocess(picture), encoder.preprocess(picture)])
    assert (black < 0).all()


def test_provenance_says_what_the_lift_is(checkpoint: Path):
    provenance = load_meru(str(checkpoint), CPU).provenance()
    assert provenance["class"] == "MERU"
    assert provenance["lift"]["curvature"] == pytest.approx(np.exp(-0.7))
    assert provenance["lift"]["textual_alpha"] == pytest.approx(np.exp(-1.4))
    assert provenance["preprocessing"]["mean"] == pytest.approx([0.485, 0.456, 0.406])


def test_safetensors_and_a_bare_state_dict_are_the_same_model(checkpoint: Path, tmp_path: Path):
    state = published_meru().state_dict()
    save_file(state, tmp_path / "meru.safetensors")
    torch.save(state, tmp_path / "bare.pth")
    with torch.inference_mode():
        points = [
            (model := load_meru(str(path), CPU)).encode_text(model.tokenise(TEXTS))
            for path in (checkpoint, tmp_path / "meru.safetensors", tmp_path / "bare.pth")
        ]
    assert torch.equal(points[0], points[1])
    assert torch.equal(points[0], points[2])


def test_the_small_models_heads_are_half_as_wide(tmp_path: Path):
    from hierarcaps.models.meru_family.source import _architecture

    meta = {
        "visual_proj.weight": (512, 384),
        "visual.pos_embed": (1, 197, 384),
        "visual.patch_embed.proj.weight": (384, 3, 16, 16),
        "visual.blocks.11.mlp.fc1.weight": (1536, 384),
        "visual.blocks.0.mlp.fc1.weight": (1536, 384),
        "textual_proj.weight": (512, 512),
        "textual.posit_embed": (77, 512),
        "textual.token_embed.weight": (49408, 512),
        "textual.resblocks.11.ln_1.weight": (512,),
    }
    cfg = _architecture({name: torch.empty(shape, device="meta") for name, shape in meta.items()})
    assert cfg["vision_cfg"]["head_width"] == 32
    assert cfg["vision_cfg"]["image_size"] == 224
    assert cfg["vision_cfg"]["layers"] == cfg["text_cfg"]["layers"] == 12
    assert cfg["text_cfg"]["heads"] == 8


def drop(*names: str) -> Callable[[dict], None]:
    return lambda state: [state.pop(name) for name in names]


LIFT = ("curv", "visual_alpha", "textual_alpha")
# As the files of HyCoCLIP have it: the usual standard deviations.
HYCOCLIP_MEAN = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
UNCHA = {
    **dict.fromkeys(
        ("global_logit_scale", "local_logit_scale", "global_local_logit_scale"), torch.tensor(2.0)
    ),
    "textual.min_radius_head.0.weight": torch.ones(1, 64),
    "textual.min_radius_head.0.bias": torch.ones(1),
}


def hycoclip(state: dict) -> None:
    state["pixel_mean"] = HYCOCLIP_MEAN


def uncha(state: dict) -> None:
    state |= UNCHA


def inputs(encoder) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, preprocessed images, and the same images from 0 to 1."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    images = torch.stack([encoder.preprocess(Image.fromarray(each)) for each in pixels])
    return encoder.tokenise(TEXTS), images, torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255


@torch.inference_mode()
@pytest.mark.parametrize("change", [hycoclip, uncha])
def test_its_family_is_what_its_own_towers_compute(tmp_path: Path, change):
    path, reference = write_published(tmp_path / "model.pth", change), published_meru()
    if change is hycoclip:
        reference.pixel_mean = HYCOCLIP_MEAN
    encoder = load_meru(str(path), CPU)
    tokens, images, pixels = inputs(encoder)
    expected = reference.encode_text(tokens), reference.encode_image(pixels)
    found = encoder.encode_text(tokens), encoder.encode_image(images)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert encoder.geometry.name == "lorentz"
    assert encoder.provenance()["unused"] == (sorted(UNCHA) if change is uncha else [])


def test_a_temperature_that_no_model_of_the_family_has_is_refused(tmp_path: Path):
    def further(state: dict) -> None:
        state["logit_scale_entailment"] = torch.tensor(2.0)

    path = write_published(tmp_path / "model.pth", further)
    with pytest.raises(InputError, match="logit_scale_entailment"):
        load_meru(str(path), CPU)


@torch.inference_mode()
def test_a_clip_of_its_format_is_on_the_sphere(tmp_path: Path):
    path, reference = write_published(tmp_path / "clip_vit.pth", drop(*LIFT)), published_meru()
    encoder = load_meru(str(path), CPU)
    assert encoder.geometry == Sphere()
    assert encoder.provenance()["class"] == "CLIP in MERU's format"
    tokens, images, pixels = inputs(encoder)
    expected = reference.text_features(tokens), reference.image_features(pixels)
    found = encoder.encode_text(tokens), encoder.encode_image(images)
    expected = tuple(torch.nn.functional.normalize(each, dim=-1) for each in expected)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    # It can be aligned: it is saved as the open_clip model that it is.
    assert isinstance(trainable_tower(encoder, tokens), PackedTextTower)
    save_encoder(encoder, tmp_path / "saved")
    again = load_model({"open_clip": str(tmp_path / "saved")}, 0, CPU)
    assert torch.equal(again.encode_text(again.tokenise(TEXTS)), found[0])
    assert again.provenance()["preprocessing"] == encoder.provenance()["preprocessing"]


def test_a_file_on_the_hub_is_taken_from_its_cache(tmp_path: Path, monkeypatch, checkpoint: Path):
    asked = []

    def cached(repository: str, name: str) -> str:
        asked.append((repository, name))
        return str(checkpoint)

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", cached)
    name = "hf-hub:avik-pal/hycoclip/hycoclip_vit_b.pth"
    encoder = load_model({"meru": name}, 0, CPU)
    assert asked == [("avik-pal/hycoclip", "hycoclip_vit_b.pth")]
    assert encoder.provenance()["name"] == name
    assert encoder.provenance()["weights_sha256"] == sha256_file(checkpoint)


def test_hub_names_that_cannot_be_are_one_sentence(monkeypatch):
    with pytest.raises(InputError, match="expected hf-hub:organisation/repository/file"):
        load_meru("hf-hub:avik-pal/hycoclip", CPU)
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    with pytest.raises(InputError, match="hf-hub:a/never-there: not in the cache and there is no"):
        load_meru("hf-hub:a/never-there/model.pth", CPU)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (drop("curv"), "'curv' is missing, expected a MERU"),
        (drop("visual.cls_token"), r"'visual\.cls_token' is missing"),
        (drop("textual.resblocks.1.ln_1.weight"), "does not fit its architecture"),
        (lambda state: state.update(surplus=torch.zeros(2)), "does not fit.*surplus"),
        (lambda state: state.update({"visual.pos_embed": torch.zeros(3)}), "shapes of a MERU"),
        (
            lambda state: state.update({"textual.token_embed.weight": torch.zeros(9, 64)}),
            "9 tokens, expected 49408",
        ),
        (lambda state: state["curv"].fill_(torch.nan), "not finite numbers"),
    ],
)
def test_another_state_dict_is_one_sentence(tmp_path: Path, change, expected: str):
    path = write_published(tmp_path / "meru.pth", change)
    with pytest.raises(InputError, match=expected) as raised:
        load_meru(str(path), CPU)
    assert "\n" not in str(raised.value)


class Trap:
    def __reduce__(self):
        return print, ("unpickled",)


def test_other_files_are_one_sentence(tmp_path: Path, checkpoint: Path, capsys):
    cut = tmp_path / "cut.pth"
    cut.write_bytes(checkpoint.read_bytes()[:-1000])
    (tmp_path / "cut.safetensors").write_bytes(b"12345678")
    (tmp_path / "weights.onnx").write_bytes(b"1")
    (tmp_path / "trap.pth").write_bytes(pickle.dumps({"model": Trap()}))
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    for name, expected in [
        ("cut.pth", "is cut off or damaged"),
        ("cut.safetensors", "is no whole safetensors file"),
        ("trap.pth", "not a file of tensors and plain values"),
        ("list.pth", "found no state dict"),
        ("weights.onnx", "no known kind of weights file"),
        ("absent.pth", "no such file or folder, expected a checkpoint of MERU"),
        ("", r"meru_config\.json is missing in this folder"),
    ]:
        with pytest.raises(InputError, match=expected):
            load_meru(str(tmp_path / name), CPU)
    assert "unpickled" not in capsys.readouterr().out


def test_a_folder_of_the_workflow(folder: Path):
    encoder = load_model({"meru": str(folder)}, seed=0, device=CPU)
    assert encoder.geometry == Lorentz(1.0)
    with torch.inference_mode():
        points = encoder.encode_text(encoder.tokenise(TEXTS))
    assert points.shape == (4, 8)
    state = load_file(folder / "meru_model.safetensors")
    assert state["visual_alpha"] == pytest.approx(-0.5 * np.log(8))


def test_bad_folders_are_one_sentence(folder: Path):
    for config, expected in [
        ("{", "not a readable configuration of a MERU"),
        ('{"model_cfg": {}}', "not a readable configuration"),
        (json.dumps({**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "embed_dim": 9}}), "not fit"),
        (json.dumps({**CONFIG, "preprocess_cfg": {"mean": 7}}), "readable configuration.*std"),
    ]:
        (folder / "meru_config.json").write_text(config)
        with pytest.raises(InputError, match=expected):
            load_meru(str(folder), CPU)
    (folder / "meru_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"meru_model\.safetensors is missing"):
        load_meru(str(folder), CPU)


def test_pretrained_belongs_to_open_clip(checkpoint: Path):
    with pytest.raises(InputError, match="'pretrained' belongs to open_clip"):
        load_model({"meru": str(checkpoint), "pretrained": "openai"}, seed=0, device=CPU)


def test_alignment_is_not_for_a_meru(folder: Path):
    encoder = load_meru(str(folder), CPU)
    with pytest.raises(TypeError, match="no text tower is known for MeruEncoder"):
        trainable_tower(encoder, encoder.tokenise(TEXTS))
    shutil.rmtree(folder)
