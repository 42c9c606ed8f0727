"""Sentence encoders: a transformer, its pooling and what follows, as in sentence-transformers."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from torch import Tensor, nn

from hierarcaps.geometry.spaces import Sphere
from hierarcaps.models.encoder import check_finite, unpadded_lengths
from hierarcaps.models.sentence_family.source import Dense, SentenceSource, find_sentence_encoder
from hierarcaps.models.transformers_family.tokens import count_longer, padded, take_as_text
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import load_pretrained, load_weights
from hierarcaps.runtime.weights_files import read_state
from hierarcaps.text_models.positions import usable_positions

_PROBE = "a goat on an island"


class SentenceEncoder:
    """A sentence encoder as a :class:`hierarcaps.models.encoder.TextOnlyEncoder`.

    Attributes:
        transformer: of the transformers library, without a head.
        layers: linear layers and normalisations (None) of the pooled embedding, in turn.
        geometry: the unit sphere: radii and angles are of normalised embeddings, whether or not
            the checkpoint normalises them itself.
    """

    geometry = Sphere()

    def __init__(
        self,
        transformer: Any,
        tokeniser: transformers.PreTrainedTokenizerBase,
        layers: Sequence[nn.Module | None],
        source: SentenceSource,
        provenance: dict[str, Any],
    ) -> None:
        self.transformer = transformer
        self.layers = layers
        self._tokeniser = tokeniser
        self._source = source
        self._provenance = provenance
        longest = source.longest or tokeniser.model_max_length
        padding = tokeniser.pad_token_id
        self._context = min(longest, usable_positions(transformer.config, padding, longest))
        take_as_text(tokeniser)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.transformer.device

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Token ids, (B, context) int64."""
        return padded(self._tokeniser, self._prepared(texts), self._context)

    def truncated(self, texts: Sequence[str]) -> int:
        """Texts of more tokens than the context has room for."""
        return count_longer(self._tokeniser, self._prepared(texts), self._context)

    def _prepared(self, texts: Sequence[str]) -> list[str]:
        prepared = [self._source.prompt + text for text in texts]
        return [text.lower() for text in prepared] if self._source.lower_case else prepared

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Leading tokens that are no padding, (B,)."""
        return unpadded_lengths(tokens, self._tokeniser.pad_token_id)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        tokens = tokens.to(self.device)
        lengths = self.token_lengths(tokens)
        tokens = tokens[:, : int(lengths.max())]
        mask = torch.arange(tokens.shape[1], device=self.device) < lengths[:, None]
        output = self.transformer(input_ids=tokens, attention_mask=mask.long())
        pooled = pool(output.last_hidden_state.float(), mask, self._source.pooling)
        for layer in self.layers:
            pooled = F.normalize(pooled, dim=-1) if layer is None else layer(pooled)
        return F.normalize(pooled, dim=-1)

    def provenance(self) -> dict[str, Any]:
        """What was loaded."""
        return self._provenance


def pool(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Return one vector (B, D) of the states (B, L, D) of each text's tokens.

    Args:
        states: of texts padded on the right.
        mask: (B, L) bool, false for padding.
        pooling: ``mean``, ``cls`` (the first token), ``max`` or ``lasttoken``.
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "lasttoken":
        return states[torch.arange(len(states), device=states.device), mask.sum(dim=1) - 1]
    if pooling == "max":
        return states.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


def load_sentence_encoder(name: str, device: torch.device) -> SentenceEncoder:
    """Load a sentence encoder in float32, in evaluation mode.

    Code in a repository is never run, and weights are never unpickled.

    Args:
        name: local folder in the layout of sentence-transformers, or the id of a hub repository.
        device: where to put the weights.

    Raises:
        InputError: see :func:`hierarcaps.models.registry.load_text_encoder`.
    """
    source = find_sentence_encoder(name)
    options = {"local_files_only": True, "trust_remote_code": False}
    folder = str(source.transformer.folder)
    transformer = _without_head(folder, options)
    tokeniser = load_pretrained("AutoTokenizer", folder, **options)
    _check_padding(name, tokeniser)
    check_finite(transformer, name, source.transformer.weights)
    layers = [None if layer is None else _dense(layer).to(device) for layer in source.layers]
    transformer.to(device).eval()
    provenance = _provenance(name, source, transformer, layers)
    return SentenceEncoder(transformer, tokeniser, layers, source, provenance)


def _without_head(folder: str, options: dict[str, Any]) -> Any:
    """Load the transformer; a BERT's own pooling layer, which is not used, may be absent."""
    try:
        return load_weights("AutoModel", folder, weights_only=True, **options)
    except InputError:
        config = load_pretrained("AutoConfig", folder, **options)
        if config.model_type not in ("bert", "roberta", "xlm-roberta", "camembert", "mpnet"):
            raise
        options = {**options, "add_pooling_layer": False}
        return load_weights("AutoModel", folder, weights_only=True, **options)


def _check_padding(name: str, tokeniser: transformers.PreTrainedTokenizerBase) -> None:
    """Refuse padding that is masked and that a text ends with: its end would be masked too."""
    last = tokeniser(_PROBE)["input_ids"][-1]
    if tokeniser.pad_token_id in (None, last):
        raise InputError(
            f"model {name}: its tokeniser pads with token {tokeniser.pad_token_id}, expected one "
            "that no text ends with, since it is masked"
        )


def _dense(layer: Dense) -> nn.Module:
    state = read_state(layer.weights)
    linear = nn.Linear(layer.in_features, layer.out_features, layer.bias)
    expected = {f"linear.{key}": tuple(value.shape) for key, value in linear.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if found != expected:
        raise InputError(f"{layer.weights}: found {found}, expected {expected}")
    linear.load_state_dict({key.removeprefix("linear."): state[key].float() for key in expected})
    module = nn.Sequential(linear, getattr(nn, layer.activation)())
    check_finite(module, layer.weights.parent.name, layer.weights)
    return module.eval()


def _provenance(
    name: str, source: SentenceSource, transformer: nn.Module, layers: Sequence[nn.Module | None]
) -> dict[str, Any]:
    modules = [transformer, *(layer for layer in layers if layer is not None)]
    return {
        "library": f"transformers {transformers.__version__}",
        "class": type(transformer).__name__,
        "name": name,
        "pretrained": None,
        "text_only": True,
        "weights_file": source.transformer.weights.name,
        "weights_sha256": source.transformer.weights_sha256(),
        "parameters": sum(each.numel() for module in modules for each in module.parameters()),
        "pooling": source.pooling,
        "layers": ["normalise" if layer is None else str(layer) for layer in layers],
        "lower_case": source.lower_case,
        "prompt": source.prompt,
    }
