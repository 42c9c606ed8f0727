"""Models with a text tower of transformers: aligned, saved, moved, loaded and probed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tiny_alignment import make_items
from tiny_text_towers import CONTEXT, timm_and_bert, vit_and_bert

from hierarcaps.alignment import text_tower
from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.run import align_model
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.data.hierarchy import SEPARATOR
from hierarcaps.evaluation.probe import probe
from hierarcaps.models import hub
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.registry import load_model
from hierarcaps.runtime.errors import InputError

CPU = torch.device("cpu")
TEXTS = ["", "a goat", "two red boats on a beach", "a [PAD] dog", "an animal " * 9]
RECIPE = {"objective": "re", "learning_rate": 1e-3, "max_steps": 4, "log_every": 1}
MADE = {"open_clip": timm_and_bert, "transformers": vit_and_bert}


@pytest.fixture(params=MADE)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


def load(family: str, folder: Path) -> DualEncoder:
    return load_model({family: str(folder)}, 0, CPU)


def texts_of(encoder: DualEncoder) -> torch.Tensor:
    with torch.inference_mode():
        return encoder.encode_text(encoder.tokenise(TEXTS))


def padded(encoder: DualEncoder) -> torch.Tensor:
    """What the library itself makes of the whole context."""
    tokens = encoder.tokenise(TEXTS)
    with torch.inference_mode():
        if hasattr(encoder.model, "encode_text"):
            return F.normalize(encoder.model.encode_text(tokens), dim=-1)
        output = encoder.model.get_text_features(tokens, attention_mask=(tokens != 0).long())
        return F.normalize(output.pooler_output, dim=-1)


def write_items(path: Path, n: int, seed: int) -> Path:
    rows = [
        {"positive": SEPARATOR.join(item.tiers), "negative": SEPARATOR.join(item.negatives or ())}
        for item in make_items(n, seed)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def write_test_set(folder: Path) -> Path:
    folder.mkdir()
    rows = []
    for i, item in enumerate(make_items(4, seed=2)):
        pixels = np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        captions = SEPARATOR.join(item.tiers)
        rows.append({"id": i, "captions": captions, "image_url": f"{i}.png"})
    pd.DataFrame(rows).to_csv(folder / "test.csv", index=False)
    return folder


def test_cropped_and_grouped_texts_have_the_embeddings_of_padded_ones(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load(family, MADE[family](tmp_path / "model"))
    tokens, expected = encoder.tokenise(TEXTS), padded(encoder)
    lengths = encoder.token_lengths(tokens)
    assert lengths.tolist() == [int((row != 0).sum()) for row in tokens]
    assert lengths[0] == 2
    torch.testing.assert_close(texts_of(encoder), expected, atol=1e-6, rtol=0)
    assert (expected[1] - expected[2]).norm() > 0.01
    monkeypatch.setattr(text_tower, "_GROUP", 2)
    tower = text_tower.trainable_tower(encoder, tokens)
    twice = torch.cat([tokens, tokens.flip(0)])
    found = tower.encode(twice)
    torch.testing.assert_close(found, torch.cat([expected, expected.flip(0)]), atol=1e-6, rtol=0)


def test_an_aligned_model_is_moved_loaded_and_probed(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    original = MADE[family](tmp_path / "original")
    before = load(family, original)
    test_set = write_test_set(tmp_path / "test")
    align_model(
        {family: str(original)},
        RECIPE,
        seed=0,
        training_path=write_items(tmp_path / "train.csv", 24, seed=0),
        validation_path=write_items(tmp_path / "validation.csv", 6, seed=1),  # without images
        images_path=None,
        left_out_path=test_set / "test.csv",
        folder=tmp_path / "aligned",
        validation_items=3,
    )
    original.rename(tmp_path / "gone")
    moved = (tmp_path / "aligned").rename(tmp_path / "elsewhere")
    assert not any(str(tmp_path) in path.read_text() for path in moved.glob("*.json"))
    after = load(family, moved)
    assert torch.equal(after.tokenise(TEXTS), before.tokenise(TEXTS))
    assert (texts_of(after) - texts_of(before)).norm(dim=1).min() > 1e-4
    pixels = torch.rand(2, 3, *after.preprocess(Image.new("RGB", (32, 32))).shape[1:])
    with torch.inference_mode():
        assert torch.equal(after.encode_image(pixels), before.encode_image(pixels))
    table = probe({family: str(moved)}, test_set / "test.csv", test_set, tmp_path / "out", "cpu", 8)
    assert (table["metric"] == "tau_d").any()


def test_a_text_tower_below_the_folder(tmp_path: Path) -> None:
    beside = load("open_clip", timm_and_bert(tmp_path / "beside"))
    below = load("open_clip", timm_and_bert(tmp_path / "below", beside=False))
    assert torch.equal(texts_of(below), texts_of(beside))
    assert below.tokenise([""]).shape == (1, CONTEXT)


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (["config.json"], "the text tower's configuration is missing, expected config.json"),
        (["tokenizer.json", "vocab.txt"], "the text tower's tokeniser is missing, expected tok"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch, absent, expected) -> None:
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    folder = timm_and_bert(tmp_path / "model")
    for name in absent:
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(InputError, match=expected) as raised:
        load("open_clip", folder)
    assert "weights cannot" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_another_models_configuration_is_no_text_tower(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(hub, "can_reach_hub", lambda: False)
    folder = timm_and_bert(tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": "clip"}))
    with pytest.raises(InputError, match="the text tower's configuration is missing"):
        load("open_clip", folder)


def test_a_broken_tokeniser_is_named(tmp_path: Path) -> None:
    folder = timm_and_bert(tmp_path / "model")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match=r"its tokeniser in .*model cannot be read"):
        load("open_clip", folder)


def test_a_model_cannot_ask_for_its_own_code(tmp_path: Path) -> None:
    folder = timm_and_bert(tmp_path / "model")
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["auto_map"] = {"AutoTokenizer": ["code.Tokeniser", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Tokeniser: ...")
    load("open_clip", folder)
    assert not (tmp_path / "ran").exists()


def test_the_real_encoder_is_aligned_where_it_is(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "real_encoder"
    if not folder.is_dir():
        pytest.skip("no real encoder")
    encoder = load("open_clip", folder)
    expected = padded(encoder)
    torch.testing.assert_close(texts_of(encoder), expected, atol=1e-6, rtol=0)
    settings = AlignmentSettings.from_params({**RECIPE, "learning_rate": 1e-6, "max_steps": 2})
    result = align(encoder, make_items(16), make_items(4, seed=1), settings, seed=0)
    assert result.steps == 2
    assert 1e-6 < float((texts_of(encoder) - expected).abs().max()) < 0.01
