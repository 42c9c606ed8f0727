"""Models of the open_clip library: published weights, hub repositories and local folders."""

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from hierarcaps.geometry.spaces import Sphere
from hierarcaps.models.encoder import check_finite
from hierarcaps.models.open_clip_family.source import (
    CONFIG_FILE,
    FOLDER_PREFIX,
    Source,
    find_source,
)
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.files import sha256_file
from hierarcaps.runtime.weights_files import read_state, renamed, renaming, stand_ins

# A name that the state dict of each architecture has, the same in all.
_IN_ALL = "logit_scale"
_ACTIVATIONS = ("QuickGELU", "GELU", "ReLU", "SiLU", "Tanh")


class OpenClipEncoder:
    """An open_clip model as a :class:`hierarcaps.models.encoder.DualEncoder`.

    Attributes:
        model: the open_clip model.
        tokeniser: its tokeniser, as open_clip makes it.
        geometry: the unit sphere.
    """

    geometry = Sphere()

    def __init__(
        self,
        model: open_clip.CLIP,
        preprocess: Callable[[Image.Image], Tensor],
        tokeniser: Any,
        provenance: dict[str, Any],
    ) -> None:
        self.model = model
        self._preprocess = preprocess
        self.tokeniser = tokeniser
        if (inner := getattr(tokeniser, "tokenizer", None)) is not None:
            inner.split_special_tokens = True
        self._provenance = provenance
        self._croppable = _is_croppable(model)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Token ids, (B, context) int64."""
        return self.tokeniser(self._plain(texts))

    def truncated(self, texts: Sequence[str]) -> int:
        """Texts of more tokens than the context has room for."""
        if not texts:
            return 0
        plain, context = self._plain(texts), self.tokeniser.context_length
        inner = getattr(self.tokeniser, "tokenizer", None)
        if inner is not None:  # a tokeniser of transformers, as open_clip wraps it
            cleaned = [self.tokeniser.clean_fn(text) for text in plain]
            # CLIPS: start and end of text, and a class token, added after the cut.
            clips = self.tokeniser.tokenizer_mode == "clips"
            options = {"truncation": False, "verbose": False, "add_special_tokens": not clips}
            encoded = inner(cleaned, **options)["input_ids"]
            return sum(len(row) > context - 3 * clips for row in encoded)
        # Start and end of text come on top.
        return sum(len(self.tokeniser.encode(text)) > context - 2 for text in plain)

    def _plain(self, texts: Sequence[str]) -> list[str]:
        """Let a special token that a caption spells out be text, which cuts off nothing."""
        special = getattr(self.tokeniser, "all_special_ids", ())
        names = [self.tokeniser.decoder[token] for token in special]
        plain = list(texts)
        for name in names:
            spaced = f"{name[0]} {name[1:-1]} {name[-1]}"
            plain = [re.sub(re.escape(name), spaced, text, flags=re.IGNORECASE) for text in plain]
        return plain

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Leading tokens that matter, (B,); the whole context for a text tower that sees it."""
        if self._croppable:
            return pooled_positions(tokens) + 1
        return torch.full((len(tokens),), tokens.shape[1])

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        return F.normalize(self.text_features(tokens), dim=-1)

    def text_features(self, tokens: Tensor) -> Tensor:
        """What :meth:`encode_text` normalises, (B, D) float32."""
        tokens = tokens.to(self.device)
        if self._croppable:
            return encode_cropped(self.model, tokens).float()
        return self.model.encode_text(tokens).float()

    def preprocess(self, image: Image.Image) -> Tensor:
        """The image tower's input (3, H, W)."""
        return self._preprocess(image)

    def encode_image(self, images: Tensor) -> Tensor:
        """Unit embeddings (B, D)."""
        return F.normalize(self.image_features(images), dim=-1)

    def image_features(self, images: Tensor) -> Tensor:
        """What :meth:`encode_image` normalises, (B, D) float32."""
        return self.model.encode_image(images.to(self.device)).float()

    def provenance(self) -> dict[str, Any]:
        """What was loaded."""
        return self._provenance


def pooled_positions(tokens: Tensor) -> Tensor:
    """Return the position whose feature CLIP pools: the first highest id, end-of-text. (B,)."""
    return tokens.argmax(dim=-1)


def encode_cropped(model: open_clip.CLIP, tokens: Tensor) -> Tensor:
    """Encode texts with only as many positions as the longest one needs.

    Under a causal mask the pooled position sees only itself and those before it, so the padding
    behind it changes nothing but the time: this equals ``model.encode_text`` up to rounding.

    Args:
        model: an ``open_clip.CLIP`` with a causal mask and pooling at the highest token id.
        tokens: (B, L) int64, L at most the model's context.

    Returns:
        (B, D) features, not normalised.
    """
    positions = pooled_positions(tokens)
    length = int(positions.max()) + 1
    x = model.token_embedding(tokens[:, :length])
    x = x + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    # The final norm and the projection act on each position alone: pool first.
    x = model.ln_final(x[torch.arange(len(x), device=x.device), positions])
    projection = model.text_projection
    if projection is None:
        return x
    return projection(x) if isinstance(projection, nn.Linear) else x @ projection


def _is_croppable(model: open_clip.CLIP) -> bool:
    # Exactly CLIP: subclasses and CustomTextCLIP may pool or mask in another way.
    return (
        type(model) is open_clip.CLIP
        and model.text_pool_type == "argmax"
        and model.attn_mask is not None
    )


def load_open_clip(name: str, pretrained: str | None, device: torch.device) -> OpenClipEncoder:
    """Load an open_clip model in float32, in evaluation mode.

    Args:
        name: architecture name (``ViT-B-32``), ``hf-hub:`` id, or local folder that holds
            ``open_clip_config.json`` and ``open_clip_model.safetensors``.
        pretrained: beside an architecture name, a tag of open_clip or a local weights file. The
            weights of a tag that were trained with QuickGELU get it under the plain name too; for
            a local file the name decides (``ViT-B-32-quickgelu``).
        device: where to put the weights.

    Raises:
        InputError: see :func:`hierarcaps.models.registry.load_model`.
    """
    source = find_source(name, pretrained)
    label = f"{name} ({pretrained})" if pretrained else name
    try:
        model, preprocess = _built(source)
        tokeniser = open_clip.get_tokenizer(source.tokeniser)
    except InputError as error:
        raise InputError(f"model {label}: {error}") from None
    except Exception as error:
        # open_clip meets untrusted files here, and raises whatever its inner libraries raise.
        raise InputError(
            f"model {label}: {source.weights} does not fit the architecture ({one_line(error)})"
        ) from None
    check_finite(model, label, source.weights)
    model.to(device).eval()
    visual: Any = model.visual
    provenance = provenance_of(
        model, visual, name, pretrained, source.weights, dict(visual.preprocess_cfg)
    )
    return OpenClipEncoder(model, preprocess, tokeniser, provenance)


def _built(source: Source) -> tuple[nn.Module, Callable[[Image.Image], Tensor]]:
    """Return the model with its weights, and its preprocessing.

    Raises:
        InputError: the weights cannot be read.
        Exception: whatever open_clip raises where they do not fit.
    """
    try:
        return _create(source)
    except Exception:
        # open_clip knows the wrapper "module." alone, and weights under "state_dict": a second try.
        state = read_state(source.weights)
        state = renamed(state, renaming([_IN_ALL], state) or {})
        if _IN_ALL not in state:
            near = next((name for name in state if name.endswith(_IN_ALL)), min(state))
            raise InputError(
                f"{source.weights}: has no {_IN_ALL!r}, as all weights of open_clip have; it has "
                f"{near!r}"
            ) from None
    with tempfile.TemporaryDirectory() as folder:
        return _create(_unwrapped(source, state, Path(folder)))


def _create(source: Source) -> tuple[nn.Module, Callable[[Image.Image], Tensor]]:
    with stand_ins():
        model, _, preprocess = open_clip.create_model_and_transforms(
            source.name, source.pretrained, weights_only=True, **source.options
        )
    return model, preprocess


def _unwrapped(source: Source, state: Mapping[str, Tensor], folder: Path) -> Source:
    """Return a source of the same model, whose weights are ``state``."""
    weights = folder / "open_clip_pytorch_model.bin"
    torch.save(state, weights)
    if source.pretrained is not None:
        return replace(source, weights=weights, pretrained=str(weights))
    config = Path(source.name.removeprefix(FOLDER_PREFIX)) / CONFIG_FILE
    shutil.copyfile(config, folder / CONFIG_FILE)
    return replace(source, name=f"{FOLDER_PREFIX}{folder}", weights=weights)


def provenance_of(
    model: nn.Module,
    visual: nn.Module,
    name: str,
    pretrained: str | None,
    weights: Path,
    preprocessing: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a model of open_clip's modules says of itself (JSON).

    Args:
        model: the whole model.
        visual: its image tower; all other modules are text.
        name: as it was asked for.
        pretrained: likewise.
        weights: the file that was read.
        preprocessing: of the images.
    """
    image_modules = list(visual.modules())
    vision = {id(module) for module in image_modules}
    text_modules = [module for module in model.modules() if id(module) not in vision]
    return {
        "library": f"open_clip {open_clip.__version__}",
        "name": name,
        "pretrained": pretrained,
        "weights_file": weights.name,
        "weights_sha256": sha256_file(weights),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "activation": {"image": _activations(image_modules), "text": _activations(text_modules)},
        "preprocessing": {
            key: preprocessing[key]
            for key in ("size", "mean", "std", "interpolation", "resize_mode")
        },
    }


def _activations(modules: Sequence[nn.Module]) -> list[str]:
    return sorted({type(module).__name__ for module in modules} & set(_ACTIVATIONS))
