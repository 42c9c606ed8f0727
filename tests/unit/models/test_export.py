"""An open_clip checkpoint in the Hugging Face CLIP format: equal embeddings, or a clear refusal."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from tiny_clip import PREPROCESSING, TINY

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, load_open_clip, open_clip
from hierarcaps.models.open_clip_family.export import export_open_clip
from hierarcaps.models.transformers_family.encoder import TransformersEncoder, load_transformers
from hierarcaps.runtime.errors import InputError

CPU = torch.device("cpu")
TEXTS = ["", "a goat", "Two red boats, on a beach!", "it's a 3-wheeled café 🐐", "long text " * 30]
WIDE = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "layers": 2, "mlp_ratio": 2.0, "width": 48}}
SHORTEST = {**PREPROCESSING, "interpolation": "bicubic", "resize_mode": "shortest"}


def checkpoint(folder: Path, config: dict[str, Any], preprocessing: dict[str, Any]) -> Path:
    folder.mkdir()
    files = {"model_cfg": config, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(files))
    torch.manual_seed(0)
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    model = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # As made, biases are all zero, and none would be missed.
            if name.endswith("bias"):
                weight.normal_(std=0.1)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


@pytest.fixture(
    scope="module",
    params=[
        (TINY, PREPROCESSING),
        ({**TINY, "quick_gelu": True}, SHORTEST),
        (WIDE, SHORTEST),
    ],
    ids=["gelu", "quick_gelu", "wide"],
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("export")
    original = checkpoint(root / "open_clip", *request.param)
    export_open_clip(load_open_clip(str(original), None, CPU), root / "hf")
    return load_open_clip(str(original), None, CPU), load_transformers(str(root / "hf"), CPU)


Pair = tuple[OpenClipEncoder, TransformersEncoder]


def test_embeddings_are_equal(pair: Pair):
    original, exported = pair
    images = torch.rand(3, 3, 16, 16)
    with torch.inference_mode():
        texts = [each.encode_text(each.tokenise(TEXTS)) for each in pair]
        pictures = [each.encode_image(images) for each in pair]
    torch.testing.assert_close(*texts, atol=1e-5, rtol=0)
    torch.testing.assert_close(*pictures, atol=1e-5, rtol=0)
    assert original.model.logit_scale.item() == exported.model.logit_scale.item()


def test_plain_transformers_loads_it(pair: Pair):
    original, exported = pair
    model = transformers.CLIPModel.from_pretrained(exported.folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(exported.folder)
    inputs = processor(text=TEXTS, padding=True, truncation=True, return_tensors="pt")
    image = Image.effect_mandelbrot((16, 16), (-2, -1, 1, 1), 50).convert("RGB")
    pixels = original.preprocess(image)[None]
    torch.testing.assert_close(
        processor(images=image, return_tensors="pt")["pixel_values"], pixels, atol=1e-5, rtol=0
    )
    with torch.inference_mode():
        scores = model(**inputs, pixel_values=pixels).logits_per_image
        texts = original.encode_text(original.tokenise(TEXTS))
        expected = original.model.logit_scale.exp() * original.encode_image(pixels) @ texts.T
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(16, 16), (40, 24), (24, 40), (90, 90), (17, 16)])
def test_images_are_prepared_in_the_same_way(pair: Pair, size: tuple[int, int]):
    image = Image.effect_mandelbrot(size, (-2, -1, 1, 1), 50).convert("RGB")
    original, exported = (each.preprocess(image) for each in pair)
    torch.testing.assert_close(original, exported, atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=50)
@given(text=st.text("abcdefgh XYZ0189.,;:!?'-/()\n\tßéü", max_size=60))
def test_tokens_are_the_same(pair: Pair, text: str):
    original, exported = pair
    length = int(original.token_lengths(original.tokenise([text]))[0])
    expected = original.tokenise([text])[0, :length]
    assert torch.equal(exported.tokenise([text])[0, :length], expected)


def test_vocabulary_files_of_older_versions_agree(pair: Pair):
    folder = pair[1].folder
    whole = json.loads((folder / "tokenizer.json").read_text())["model"]
    assert json.loads((folder / "vocab.json").read_text()) == whole["vocab"]
    merges = (folder / "merges.txt").read_text().splitlines()[1:]
    assert [tuple(line.split()) for line in merges] == [tuple(pair) for pair in whole["merges"]]


def changed(key: str, **changes: Any) -> dict[str, Any]:
    return {**TINY, key: {**TINY[key], **changes}}


RESNET = {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8}


@pytest.mark.parametrize(
    ("config", "preprocessing", "message"),
    [
        ({**TINY, "vision_cfg": RESNET}, {}, "image tower is a ModifiedResNet, which CLIPModel"),
        (changed("vision_cfg", pool_type="avg"), {}, "image tower pools or normalises"),
        (changed("vision_cfg", ls_init_value=0.1), {}, r"has visual\..*\.ls_1\.gamma"),
        (changed("text_cfg", ls_init_value=0.1), {}, r"has transformer\..*\.ls_1\.gamma"),
        ({**TINY, "init_logit_bias": -10.0}, {}, "has logit_bias"),
        (changed("vision_cfg", patch_dropout=0.5), {}, None),
        (changed("text_cfg", proj_type="none"), {}, "text tower pools, masks or projects"),
        ({**TINY, "custom_text": True}, {}, "text tower pools, masks or projects"),
        (TINY, {"resize_mode": "longest"}, "resizes images by 'longest'"),
        (
            changed("text_cfg", tokenizer_kwargs={"clean": "whitespace"}),
            {},
            "tokeniser is not CLIP's",
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_in_one_sentence(
    tmp_path: Path, config: dict[str, Any], preprocessing: dict[str, Any], message: str | None
):
    folder = checkpoint(tmp_path / "model", config, {**PREPROCESSING, **preprocessing})
    if message is None:  # differs in training only
        export_open_clip(load_open_clip(str(folder), None, CPU), tmp_path / "hf")
        return
    with pytest.raises(InputError, match=message) as error:
        export_open_clip(load_open_clip(str(folder), None, CPU), tmp_path / "hf")
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("hf/*"))


def test_models_that_would_differ_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever the checks of the architecture may overlook, both models are compared."""
    from hierarcaps.models.open_clip_family import export

    folder = checkpoint(tmp_path / "model", TINY, PREPROCESSING)
    monkeypatch.setitem(export._ACTIVATIONS, torch.nn.GELU, "relu")
    with pytest.raises(InputError, match="its embeddings are off by"):
        export_open_clip(load_open_clip(str(folder), None, CPU), tmp_path / "hf")
    assert not list(tmp_path.glob("hf/*"))
