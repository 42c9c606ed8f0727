"""Converts an open_clip checkpoint to the Hugging Face CLIP format."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import open_clip
import torch
import transformers
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn
from open_clip.transformer import LayerNorm, QuickGELU, VisionTransformer
from PIL import Image
from torch import Tensor, nn

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.models.open_clip_family.packing import is_packable
from hierarcaps.models.transformers_family.encoder import load_transformers
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import publish

TOLERANCE = 1e-5
_ACTIVATIONS: dict[type[nn.Module], str] = {QuickGELU: "quick_gelu", nn.GELU: "gelu"}
_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_SPECIAL = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
_CPU = torch.device("cpu")
_BLOCK = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
          "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}  # fmt: skip
# Texts and pictures on which both models must agree before anything is written.
_TEXTS = ["", "a goat", "Two red boats on the beach, at night!", "it's a café; 12 ducks " * 20]


class NoCounterpartError(InputError):
    """A model that ``CLIPModel`` of transformers cannot express.

    Attributes:
        found: what it has no counterpart for.
    """

    def __init__(self, checkpoint: str, found: str) -> None:
        self.found = found
        super().__init__(
            f"model {checkpoint}: {found}, which CLIPModel of transformers has no counterpart for; "
            "expected a plain vision transformer and the text tower of CLIP"
        )


def export_open_clip(encoder: OpenClipEncoder, folder: str | Path) -> None:
    """Write a ``CLIPModel`` with tokeniser and image processor that gives the same embeddings.

    Both models are compared before the files get their names. Two differences remain, as between
    open_clip and any CLIP of transformers: its tokeniser does not repair broken Unicode and HTML
    entities, and its image processor may crop a pixel further to one side where an image's edge is
    an odd number of pixels too long.

    Args:
        encoder: a model with a plain ViT and CLIP's text tower, on the CPU.
        folder: where the files go, each whole or not at all; the weights come last.

    Raises:
        NoCounterpartError: a model that ``CLIPModel`` cannot express.
    """
    checkpoint = encoder.provenance()["name"]
    _require_counterpart(encoder, checkpoint)
    tokeniser = _tokeniser(encoder, checkpoint)
    model = transformers.CLIPModel(_config(encoder.model, checkpoint))
    weights = _weights(encoder.model)
    if unknown := sorted(encoder.model.state_dict().keys() - weights.keys()):
        raise NoCounterpartError(checkpoint, f"has {unknown[0]}")
    model.load_state_dict({name: value for each in weights.values() for name, value in each})
    transformers.utils.logging.disable_progress_bar()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
        model.save_pretrained(partial)
        _image_processor(encoder, checkpoint).save_pretrained(partial)
        _save_tokeniser(tokeniser, Path(partial))
        _require_same(encoder, Path(partial), checkpoint)
        publish(Path(partial).iterdir(), folder)


def _require_counterpart(encoder: OpenClipEncoder, checkpoint: str) -> None:
    visual = encoder.model.visual
    if type(visual) is not VisionTransformer:
        raise NoCounterpartError(checkpoint, f"its image tower is a {type(visual).__name__}")
    if type(visual.ln_pre) is not LayerNorm or visual.pool_type != "tok":
        raise NoCounterpartError(checkpoint, "its image tower pools or normalises in its own way")
    if not is_packable(encoder.model) or encoder.model.text_projection is None:
        raise NoCounterpartError(
            checkpoint, "its text tower pools, masks or projects in its own way"
        )


def _tokeniser(encoder: OpenClipEncoder, checkpoint: str) -> SimpleTokenizer:
    tokeniser: Any = encoder.tokeniser
    if (
        type(tokeniser) is SimpleTokenizer
        and tokeniser.clean_fn is get_clean_fn("lower")
        and tokeniser.reduction_fn is None
    ):
        return tokeniser
    raise NoCounterpartError(checkpoint, "its tokeniser is not CLIP's")


def _config(model: open_clip.CLIP, checkpoint: str) -> transformers.CLIPConfig:
    visual = model.visual
    tokens: dict[str, Any] = {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}
    text = {"vocab_size": model.vocab_size, "max_position_embeddings": model.context_length}
    pixels = {"image_size": visual.image_size[0], "patch_size": visual.patch_size[0]}
    size = visual.proj.shape[1]
    return transformers.CLIPConfig(
        text_config={
            **_tower(model.transformer, model.ln_final, checkpoint),
            **text, **tokens, "projection_dim": size,
        },
        vision_config={
            **_tower(visual.transformer, visual.ln_post, checkpoint),
            **pixels, "projection_dim": size,
        },
        projection_dim=size,
        **tokens,
    )  # fmt: skip


def _tower(transformer: nn.Module, norm: nn.LayerNorm, checkpoint: str) -> dict[str, Any]:
    blocks: Sequence[Any] = list(transformer.resblocks)  # type: ignore[arg-type]
    activation = blocks[0].mlp.gelu
    if type(activation) not in _ACTIVATIONS:
        raise NoCounterpartError(checkpoint, f"its activation is {type(activation).__name__}")
    return {
        "hidden_size": blocks[0].mlp.c_fc.in_features,
        "intermediate_size": blocks[0].mlp.c_fc.out_features,
        "num_hidden_layers": len(blocks),
        "num_attention_heads": blocks[0].attn.num_heads,
        "hidden_act": _ACTIVATIONS[type(activation)],
        "layer_norm_eps": norm.eps,
    }


def _weights(model: open_clip.CLIP) -> dict[str, list[tuple[str, Tensor]]]:
    """Return for each tensor of open_clip the tensors of ``CLIPModel`` that it becomes."""
    linear = isinstance(model.text_projection, nn.Linear)
    names = {
        "logit_scale": "logit_scale",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        **({"text_projection.weight": "text_projection.weight"} if linear else {}),
    }
    modules = {
        "ln_final": "text_model.final_layer_norm",
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
    }
    transposed = {"visual.proj": "visual_projection.weight"}
    if not linear:
        transposed["text_projection"] = "text_projection.weight"
    state = model.state_dict()
    found: dict[str, list[tuple[str, Tensor]]] = {}
    for prefix, ours, tower in (
        ("transformer", model.transformer, "text_model"),
        ("visual.transformer", model.visual.transformer, "vision_model"),
    ):
        for row in range(len(ours.resblocks)):
            block, layer = f"{prefix}.resblocks.{row}", f"{tower}.encoder.layers.{row}"
            modules |= {f"{block}.{key}": f"{layer}.{value}" for key, value in _BLOCK.items()}
            for kind in ("weight", "bias"):
                name = f"{block}.attn.in_proj_{kind}"
                parts = zip("qkv", state[name].chunk(3), strict=True)
                found[name] = [(f"{layer}.self_attn.{x}_proj.{kind}", part) for x, part in parts]
    for kind in ("weight", "bias"):
        names |= {f"{name}.{kind}": f"{value}.{kind}" for name, value in modules.items()}
    found |= {name: [(value, state[name])] for name, value in names.items()}
    found["logit_scale"] = [("logit_scale", state["logit_scale"].reshape(()))]
    return found | {name: [(value, state[name].T)] for name, value in transposed.items()}


def _image_processor(encoder: OpenClipEncoder, checkpoint: str) -> transformers.CLIPImageProcessor:
    settings = encoder.provenance()["preprocessing"]
    size = settings["size"] if isinstance(settings["size"], int) else settings["size"][0]
    if settings["size"] not in (size, [size, size], (size, size)):
        raise NoCounterpartError(checkpoint, f"its images are of {settings['size']} pixels")
    mode, interpolation = settings["resize_mode"], settings["interpolation"]
    if mode not in ("shortest", "squash") or interpolation not in _RESAMPLING:
        raise NoCounterpartError(checkpoint, f"it resizes images by {mode!r} and {interpolation!r}")
    square = {"height": size, "width": size}
    return transformers.CLIPImageProcessor(
        size={"shortest_edge": size} if mode == "shortest" else square,
        crop_size=square,
        do_center_crop=mode == "shortest",
        resample=_RESAMPLING[interpolation],
        image_mean=list(settings["mean"]),
        image_std=list(settings["std"]),
    )


def _save_tokeniser(tokeniser: SimpleTokenizer, folder: Path) -> None:
    vocabulary = {_SPECIAL.get(token, token): row for token, row in tokeniser.encoder.items()}
    merges = list(tokeniser.bpe_ranks)
    transformers.CLIPTokenizer(
        vocab=vocabulary, merges=merges, model_max_length=tokeniser.context_length
    ).save_pretrained(folder)
    # The same once more as transformers before version 5 reads it.
    text = json.dumps(vocabulary, ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@torch.inference_mode()
def _require_same(encoder: OpenClipEncoder, folder: Path, checkpoint: str) -> None:
    exported = load_transformers(str(folder), _CPU)
    shape = encoder.model.visual.image_size
    images = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    pairs = [(each.encode_text(each.tokenise(_TEXTS)), each.encode_image(images))
             for each in (encoder, exported)]  # fmt: skip
    for ours, theirs in zip(*pairs, strict=True):
        difference = float((ours - theirs).abs().max())
        if not difference <= TOLERANCE:
            raise NoCounterpartError(
                checkpoint, f"once converted, its embeddings are off by {difference:.1e}"
            )
