"""The trainable half of a model: its text tower and text projection, made cheap to train."""

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.open_clip_family import packing as open_clip_packing
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.models.packing import CausalTower, encode_packed, pack_texts

# Of the image tower, and of both towers together; everything else is text.
_IMAGE = ("visual.", "vision_model.", "visual_projection.")
_SHARED = ("logit_scale", "logit_bias", "temperature")
_GROUP = 32  # texts that are padded to one length


class TextTower(Protocol):
    """What alignment trains.

    Attributes:
        parameters: trained tensors, by their names in the model.
        frozen: everything in the model that training must leave as it is, buffers included.
    """

    parameters: dict[str, nn.Parameter]
    frozen: dict[str, Tensor]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Return how many leading tokens of each row (B, L) matter, (B,) int64."""
        ...

    def encode(self, tokens: Tensor) -> Tensor:
        """Return unit embeddings (B, D) of token rows (B, L); equal rows are encoded once."""
        ...

    def finish(self, decay: float) -> None:
        """Bring into the model what was trained outside it.

        Args:
            decay: what weight decay has left of a parameter that never had a gradient.
        """
        ...


def trainable_tower(encoder: DualEncoder, tokens: Tensor) -> TextTower:
    """Return the text tower of ``encoder``, ready to be trained on ``tokens``; freeze the rest.

    Args:
        encoder: a model in evaluation mode.
        tokens: (U, L) int64 on the CPU, every row that will be encoded.
    """
    packing: Any = open_clip_packing
    if not isinstance(encoder, OpenClipEncoder):
        # The classes of transformers take two seconds to import: not for a model of open_clip.
        from hierarcaps.models.transformers_family import packing
        from hierarcaps.models.transformers_family.encoder import TransformersEncoder

        if not isinstance(encoder, TransformersEncoder):
            raise TypeError(f"no text tower is known for {type(encoder).__name__}")
    model = encoder.model
    model.requires_grad_(False)
    if packing.is_packable(model):
        return PackedTextTower(encoder, model, packing.causal_tower(model), tokens)
    return PaddedTextTower(encoder, model)


def _frozen(model: nn.Module, trained: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items() if name not in trained}


def text_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return all parameters outside the image tower, the logit scale and the logit bias."""
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if not name.startswith(_IMAGE) and name not in _SHARED
    }


class PaddedTextTower:
    """A text tower that is called as it is: whole vocabulary, texts padded to like lengths."""

    def __init__(self, encoder: DualEncoder, model: nn.Module) -> None:
        self._encoder = encoder
        self.parameters = text_parameters(model)
        self.frozen = _frozen(model, self.parameters)
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._encoder.device

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Leading tokens that matter, (B,)."""
        return self._encoder.token_lengths(tokens)

    def encode(self, tokens: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        distinct, row_of = torch.unique(tokens, dim=0, return_inverse=True)
        order = torch.argsort(self.token_lengths(distinct), stable=True)
        # A GPU takes all rows of a batch at once; elsewhere padding costs as much as text.
        size = len(order) if self.device.type == "cuda" else _GROUP
        embeddings = torch.cat([self._encoder.encode_text(distinct[x]) for x in order.split(size)])
        return embeddings[torch.argsort(order)[row_of].to(self.device)]

    def finish(self, decay: float) -> None:
        """Nothing was trained outside the model."""


class PackedTextTower:
    """A standard CLIP text tower that computes each distinct prefix once.

    Only the rows of the token embedding that occur in the texts are trained: a whole vocabulary
    is most of a small tower, and moving its zero gradients costs more than all the rest. Weight
    decay is all that ever happens to the others, and :meth:`finish` makes up for it.
    """

    def __init__(
        self, encoder: DualEncoder, model: nn.Module, tower: CausalTower, tokens: Tensor
    ) -> None:
        self._encoder = encoder
        self._tower = tower
        name, vocabulary = tower.vocabulary
        self._used = torch.unique(tokens)
        self._row_of = torch.zeros(len(vocabulary), dtype=torch.int64)
        self._row_of[self._used] = torch.arange(len(self._used))
        self._token_rows = nn.Parameter(vocabulary.detach()[self._used.to(vocabulary.device)])
        self.parameters = text_parameters(model)
        self.frozen = _frozen(model, self.parameters)
        self.parameters[name] = self._token_rows
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._token_rows.device

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Tokens up to the end of text, (B,)."""
        return self._encoder.token_lengths(tokens)

    def encode(self, tokens: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        rows = self._row_of[tokens]
        texts = pack_texts(rows.numpy(), self.token_lengths(tokens).numpy()).to(self.device)
        features = encode_packed(self._tower, self._token_rows, texts)
        # Half-precision embeddings cannot tell near texts apart.
        features = features if features.dtype == torch.float64 else features.float()
        return F.normalize(features, dim=-1)

    def finish(self, decay: float) -> None:
        """Put the trained rows back into the vocabulary and decay the others."""
        with torch.no_grad():
            _, vocabulary = self._tower.vocabulary
            vocabulary.mul_(decay)
            vocabulary[self._used.to(vocabulary.device)] = self._token_rows
