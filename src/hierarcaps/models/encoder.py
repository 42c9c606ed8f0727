"""What every model offers to probing, and contrastive image-text models to alignment too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from PIL import Image
from torch import Tensor, nn

from hierarcaps.geometry.spaces import Geometry
from hierarcaps.runtime.errors import InputError


class TextOnlyEncoder(Protocol):
    """Texts into a space of D dimensions, in float32.

    ``encode_text`` is differentiable; wrap it in ``torch.inference_mode()`` to probe. Embeddings
    lie where ``geometry`` says: on the unit sphere, or on a hyperboloid (given by their space
    components).
    """

    @property
    def geometry(self) -> Geometry:
        """Return how the embeddings are measured."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where the ``encode_*`` methods compute."""
        ...

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Return token ids, (B, context) int64; longer texts are truncated as the model does."""
        ...

    def truncated(self, texts: Sequence[str]) -> int:
        """Return of how many texts :meth:`tokenise` leaves out the end."""
        ...

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Return how many leading tokens of each row matter, (B,) int64.

        Rows of equal length are the cheapest to encode together.
        """
        ...

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Return the embeddings (B, D) of tokens from :meth:`tokenise`."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Return what was really loaded, as JSON: weights, activation, preprocessing, sizes."""
        ...


@runtime_checkable
class DualEncoder(TextOnlyEncoder, Protocol):
    """A text tower, and an image tower into the same space; ``encode_image`` is differentiable."""

    def preprocess(self, image: Image.Image) -> Tensor:
        """Return the image tower's input (3, H, W) for an RGB image of any size."""
        ...

    def encode_image(self, images: Tensor) -> Tensor:
        """Return the embeddings (B, D) of preprocessed images (B, 3, H, W)."""
        ...


def unpadded_lengths(tokens: Tensor, padding: int) -> Tensor:
    """Return the length of each row (B, L) up to its last token that is no padding, (B,) int64."""
    # Not up to the first padding: a text can spell out the padding token.
    behind = (tokens == padding).int().flip(1).cumprod(dim=1).sum(dim=1)
    return tokens.shape[1] - behind


def check_finite(model: nn.Module, name: str, weights: str | Path) -> None:
    """Check that all parameters of a loaded model are finite numbers.

    Raises:
        InputError: one that is not, by the model's name and the file of its weights.
    """
    if not all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters()):
        raise InputError(f"model {name}: {weights} holds weights that are not finite numbers")
