"""CLIP, ALIGN, SigLIP and the like of the transformers library, from the hub or local folders."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from PIL import Image
from torch import Tensor, nn

from hierarcaps.geometry.spaces import Sphere
from hierarcaps.models.encoder import check_finite, unpadded_lengths
from hierarcaps.models.transformers_family.source import Checkpoint, find_checkpoint
from hierarcaps.models.transformers_family.tokens import count_longer, padded, take_as_text
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import load_pretrained, load_weights
from hierarcaps.text_models.positions import usable_positions

DualModel = (
    transformers.CLIPModel
    | transformers.AlignModel
    | transformers.SiglipModel
    | transformers.VisionTextDualEncoderModel
)

# ALIGN was trained on at most 64 tokens; its BERT would take 512.
_MOST_TOKENS = {"align": 64}
_MASKED = ("align", "vision-text-dual-encoder")
# Text configurations older than transformers 4.30 say 2, and mean the highest id.
_LEGACY_END_OF_TEXT = 2
_PREPROCESSING = (
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "rescale_factor",
    "rescale_offset",
    "image_mean",
    "image_std",
)


class TransformersEncoder:
    """A model of two towers as a :class:`hierarcaps.models.encoder.DualEncoder`.

    Attributes:
        model: one of the classes of ``DualModel``.
        folder: where it was loaded from, tokeniser and image processor included.
        geometry: the unit sphere.
    """

    geometry = Sphere()

    def __init__(
        self,
        model: DualModel,
        tokeniser: transformers.PreTrainedTokenizerBase,
        image_processor: Any,
        folder: Path,
        provenance: dict[str, Any],
    ) -> None:
        self.model = model
        self.folder = folder
        self._tokeniser = tokeniser
        self._image_processor = image_processor
        self._provenance = provenance
        kind, text = model.config.model_type, _text_config(model)
        longest = usable_positions(text, tokeniser.pad_token_id, tokeniser.model_max_length)
        limits = (tokeniser.model_max_length, longest, _MOST_TOKENS.get(kind, longest))
        self._context = min(limits)
        self._end_of_text = text.eos_token_id
        self._lengths: Callable[[Tensor], Tensor] = {
            "clip": self._up_to_end_of_text,
            "align": self._without_padding,
            "siglip": self._whole_context,
            "vision-text-dual-encoder": self._without_padding,
        }[kind]
        # Where attention is not causal and padding is no part of the text as the model learnt it.
        self._masks_padding = kind in _MASKED
        # SigLIP was trained on lower-cased texts. Its own tokeniser sees to that; the one of SigLIP
        # 2's checkpoints that call themselves SigLIP does not, nor does it always pad on the right.
        self._lower_case = kind == "siglip"
        take_as_text(tokeniser)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Token ids, (B, context) int64, always padded: SigLIP learnt no other texts."""
        return padded(self._tokeniser, self._cased(texts), self._context)

    def truncated(self, texts: Sequence[str]) -> int:
        """Texts of more tokens than the context has room for."""
        return count_longer(self._tokeniser, self._cased(texts), self._context)

    def _cased(self, texts: Sequence[str]) -> list[str]:
        return [text.lower() for text in texts] if self._lower_case else list(texts)

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Leading tokens that matter, (B,): for SigLIP all, since it attends to padding."""
        return self._lengths(tokens)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        tokens = tokens.to(self.device)
        lengths = self.token_lengths(tokens)
        tokens = tokens[:, : int(lengths.max())]
        mask = None
        if self._masks_padding:
            mask = torch.arange(tokens.shape[1], device=self.device) < lengths[:, None]
        output = self.model.get_text_features(input_ids=tokens, attention_mask=mask)
        return F.normalize(_at_least_float32(output.pooler_output), dim=-1)

    def preprocess(self, image: Image.Image) -> Tensor:
        """The image tower's input (3, H, W)."""
        return self._image_processor(images=image, return_tensors="pt")["pixel_values"][0]

    def encode_image(self, images: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        output = self.model.get_image_features(pixel_values=images.to(self.device))
        return F.normalize(_at_least_float32(output.pooler_output), dim=-1)

    def provenance(self) -> dict[str, Any]:
        """What was loaded."""
        return self._provenance

    def _up_to_end_of_text(self, tokens: Tensor) -> Tensor:
        # Causal, hence what comes after the pooled position changes nothing.
        if self._end_of_text == _LEGACY_END_OF_TEXT:
            return tokens.argmax(dim=1) + 1
        return (tokens == self._end_of_text).int().argmax(dim=1) + 1

    def _without_padding(self, tokens: Tensor) -> Tensor:
        return unpadded_lengths(tokens, self._tokeniser.pad_token_id)

    def _whole_context(self, tokens: Tensor) -> Tensor:
        return torch.full((len(tokens),), tokens.shape[1], device=tokens.device)


def _text_config(model: DualModel) -> Any:
    # transformers types it as what it can also be read from.
    return model.config.text_config


def _at_least_float32(features: Tensor) -> Tensor:
    # Half-precision embeddings cannot tell near texts apart.
    return features if features.dtype == torch.float64 else features.float()


def load_transformers(name: str, device: torch.device) -> TransformersEncoder:
    """Load a CLIP, ALIGN, SigLIP or vision-text dual encoder in float32, in evaluation mode.

    Code in a repository is never run, and weights are never unpickled.

    Args:
        name: local folder in the format of transformers, or the id of a hub repository.
        device: where to put the weights.

    Raises:
        InputError: see :func:`hierarcaps.models.registry.load_model`.
    """
    checkpoint = find_checkpoint(name)
    options = {"local_files_only": True, "trust_remote_code": False}
    folder = str(checkpoint.folder)
    model = load_weights(checkpoint.model_class, folder, weights_only=True, **options)
    tokeniser = load_pretrained("AutoTokenizer", folder, **options)
    # PIL resizes as it did when these models were trained; on tensors grey levels differ.
    image_processor = load_pretrained("AutoImageProcessor", folder, backend="pil", **options)
    check_finite(model, name, checkpoint.weights)
    _check_end_of_text(name, model, tokeniser)
    model.to(device).eval()
    provenance = _provenance(name, checkpoint, model, image_processor)
    return TransformersEncoder(model, tokeniser, image_processor, checkpoint.folder, provenance)


def _check_end_of_text(
    name: str, model: DualModel, tokeniser: transformers.PreTrainedTokenizerBase
) -> None:
    """Refuse a CLIP whose pooling would find no end of text, and padding that would hide it."""
    if model.config.model_type in _MASKED and tokeniser.pad_token_id in (
        None,
        tokeniser.eos_token_id,
    ):
        raise InputError(
            f"model {name}: its tokeniser pads with token {tokeniser.pad_token_id}, expected one "
            "that no text ends with, since it is masked"
        )
    expected = _text_config(model).eos_token_id
    if model.config.model_type != "clip" or expected == _LEGACY_END_OF_TEXT:
        return
    if tokeniser.eos_token_id != expected:
        raise InputError(
            f"model {name}: its tokeniser ends texts with token {tokeniser.eos_token_id}, "
            f"expected {expected} as its configuration says"
        )


def _provenance(
    name: str, checkpoint: Checkpoint, model: DualModel, image_processor: Any
) -> dict[str, Any]:
    preprocessing = image_processor.to_dict()
    return {
        "library": f"transformers {transformers.__version__}",
        "class": type(model).__name__,
        "name": name,
        "pretrained": None,
        "weights_file": checkpoint.weights.name,
        "weights_sha256": checkpoint.weights_sha256(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "activation": {
            "image": _activations(model.vision_model),
            "text": _activations(model.text_model),
        },
        "preprocessing": {
            "class": type(image_processor).__name__,
            **{key: preprocessing[key] for key in _PREPROCESSING if key in preprocessing},
        },
    }


def _activations(tower: nn.Module) -> list[str]:
    """Return what the tower's layers apply, by name."""
    homes = ("transformers.activations", "torch.nn.modules.activation")
    classes = {type(module) for module in tower.modules()} - {nn.MultiheadAttention}
    return sorted(each.__name__ for each in classes if each.__module__ in homes)
