"""Packed encoding equals the padded one, in value and gradient."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_clip import TINY
from tiny_transformers import tiny_clip

from hierarcaps.alignment.text_tower import PackedTextTower, PaddedTextTower, trainable_tower
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip
from hierarcaps.models.open_clip_family.packing import causal_tower, is_packable
from hierarcaps.models.packing import encode_packed, pack_texts
from hierarcaps.models.registry import load_model

TEXTS = ["", "a dog", "a dog on a beach", "a dog on a street", "cat", "a dog", "two red boats"]


def tiny_encoder(**text_options: object) -> OpenClipEncoder:
    torch.manual_seed(0)
    config = {**TINY, "text_cfg": {**TINY["text_cfg"], **text_options}}
    model = open_clip.CLIP(**config).double().eval()
    tokeniser = open_clip.SimpleTokenizer(context_length=model.context_length)
    return OpenClipEncoder(model, lambda image: image, tokeniser, {})


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31 - 1), vocabulary=st.integers(1, 4))
def test_packing_keeps_every_prefix_once(seed: int, vocabulary: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, size=9)
    tokens = rng.integers(0, vocabulary, size=(9, 8))
    packed = pack_texts(tokens, lengths)
    texts = [tuple(row[:n].tolist()) for row, n in zip(tokens, lengths, strict=True)]
    prefixes = {text[: n + 1] for text in texts for n in range(len(text))}
    assert len(packed.token) == len(prefixes)

    place, prefix = packed.place.tolist(), packed.prefix
    length = prefix.shape[1]
    spelled = []
    for number, where in enumerate(place):
        row, column = divmod(where, length)
        assert prefix[row, column] == number
        assert packed.position[number] == column
        spelled.append(tuple(packed.token[prefix[row, : column + 1]].tolist()))
    assert set(spelled) == prefixes
    assert [spelled[number] for number in packed.last.tolist()] == texts


@pytest.mark.parametrize(
    "options",
    [{}, {"proj_bias": True}, {"proj_type": "none", "width": 16}, {"ls_init_value": 0.3}],
)
def test_packed_equals_padded(options: dict) -> None:
    encoder = tiny_encoder(**options)
    model, tokens = encoder.model, encoder.tokenise(TEXTS)
    assert is_packable(model)
    packed = pack_texts(tokens.numpy(), encoder.token_lengths(tokens).numpy())
    weight = model.token_embedding.weight
    got, expected = encode_packed(causal_tower(model), weight, packed), model.encode_text(tokens)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
    direction = torch.randn_like(expected)
    parameters = [p for n, p in model.named_parameters() if "visual" not in n and "logit" not in n]
    for a, b in zip(
        torch.autograd.grad((got * direction).sum(), parameters),
        torch.autograd.grad((expected * direction).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    assert min((a - b).abs().max() for a, b in pairwise(got[1:5])) > 1e-3


def test_one_text_and_one_token() -> None:
    packed = pack_texts(np.array([[7, 0, 0]]), np.array([1]))
    assert packed.token.tolist() == [7]
    assert packed.prefix.tolist() == [[0]]
    assert packed.last.tolist() == [0]


@pytest.mark.parametrize(
    "options", [{"pool_type": "last"}, {"no_causal_mask": True}, {"qk_norm": True}]
)
def test_other_towers_are_not_packed(options: dict) -> None:
    encoder = tiny_encoder(**options)
    assert not is_packable(encoder.model)
    tokens = encoder.tokenise(TEXTS)
    tower = trainable_tower(encoder, tokens)
    assert isinstance(tower, PaddedTextTower)
    expected = F.normalize(encoder.model.encode_text(tokens).float(), dim=-1)
    torch.testing.assert_close(tower.encode(tokens), expected)


def test_tower_trains_the_rows_in_use_and_decays_the_rest() -> None:
    encoder = tiny_encoder()
    model, tokens = encoder.model, encoder.tokenise(TEXTS)
    before = model.token_embedding.weight.detach().clone()
    expected = F.normalize(model.encode_text(tokens), dim=-1)
    tower = trainable_tower(encoder, tokens)
    assert isinstance(tower, PackedTextTower)
    torch.testing.assert_close(tower.encode(tokens), expected)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == set(tower.parameters) - {"token_embedding.weight"}
    assert not {n for n in tower.frozen if n in tower.parameters}
    assert set(tower.frozen) | set(tower.parameters) == set(model.state_dict())

    with torch.no_grad():
        tower.parameters["token_embedding.weight"].add_(1.0)
    tower.finish(decay=0.5)
    used = torch.zeros(len(before), dtype=torch.bool)
    used[tokens.flatten()] = True
    after = model.token_embedding.weight
    torch.testing.assert_close(after[used], before[used] + 1.0)
    torch.testing.assert_close(after[~used], before[~used] * 0.5)


def test_transformers_clip_is_packed(tmp_path: Path) -> None:
    """Losses and gradients of a step are those of the padded tower, to 1e-6."""
    encoder = load_model({"transformers": str(tiny_clip(tmp_path))}, 0, torch.device("cpu"))
    tokens = encoder.tokenise(TEXTS)
    goal = torch.randn(len(TEXTS), 16, generator=torch.Generator().manual_seed(0))
    found = []
    for packed in (True, False):
        tower = trainable_tower(encoder, tokens)
        assert isinstance(tower, PackedTextTower)
        if not packed:
            tower = PaddedTextTower(encoder, encoder.model)
        embeddings = tower.encode(tokens)
        loss = (embeddings * goal).sum()
        gradients = torch.autograd.grad(loss, list(tower.parameters.values()))
        found.append((embeddings, dict(zip(tower.parameters, gradients, strict=True))))
    (ours, gradients), (expected, theirs) = found
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)
    assert min((a - b).norm() for a, b in pairwise(ours[1:5])) > 1e-3
    assert gradients.keys() == theirs.keys()
    (vocabulary,) = [name for name in theirs if "token_embedding" in name]
    theirs[vocabulary] = theirs[vocabulary][torch.unique(tokens)]
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, theirs[name], atol=1e-6, rtol=1e-6, msg=name)
        assert gradient.abs().max() > 0 or name.endswith("k_proj.bias")
