"""Finds and reads MERU checkpoints: published ones of its format, and those of the workflow.

The published ones are a file with the state dict of a timm vision transformer, a text transformer
of CLIP's kind, two projections and four scalars. The same towers exist in open_clip under other
names, so a checkpoint becomes the configuration and the weights of an ``open_clip.CLIP``, with the
scalars of the lift beside it.

HyCoCLIP and UNCHA are of this format too, and so are the CLIPs that MERU and HyCoCLIP trained to be
compared with: those have no lift. Pixel means are the file's own: those of HyCoCLIP are the usual
standard deviations, and the model was trained so.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from hierarcaps.models.hub import HUB_PREFIX, hub_file
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.weights_files import TORCH_SUFFIXES, read_state, renamed, renaming

CONFIG_FILE = "meru_config.json"
WEIGHTS_FILE = "meru_model.safetensors"
LIFT = ("curv", "visual_alpha", "textual_alpha")
"""The scalars of the lift to the hyperboloid, as logarithms."""

# In every file of the format, with and without a lift.
_PROJECTIONS = ("visual_proj.weight", "textual_proj.weight")
_VOCABULARY = 49408  # of CLIP's tokeniser
# The small model has twice the heads of its width.
_HEADS_OF_WIDTH = {384: 12}
_HEAD_WIDTH = 64
# From MERU's names to open_clip's; a prefix in both stands for all that begin with it.
_NAMES = {
    "textual.token_embed.weight": "token_embedding.weight",
    "textual.posit_embed": "positional_embedding",
    "textual.ln_final.": "ln_final.",
    "textual.resblocks.": "transformer.resblocks.",
    "textual_proj.weight": "text_projection",
    "visual.cls_token": "visual.class_embedding",
    "visual.pos_embed": "visual.positional_embedding",
    "visual.patch_embed.proj.weight": "visual.conv1.weight",
    "visual.norm.": "visual.ln_post.",
    "visual.blocks.": "visual.transformer.resblocks.",
    "visual_proj.weight": "visual.proj",
    "logit_scale": "logit_scale",
}
_BLOCK_NAMES = {
    ".norm1.": ".ln_1.",
    ".norm2.": ".ln_2.",
    ".attn.qkv.": ".attn.in_proj_",
    ".attn.proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}
_PATCH_BIAS = "visual.patch_embed.proj.bias"
_PIXELS = ("pixel_mean", "pixel_std")
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
_IGNORED = ("textual.attn_mask", *_PIXELS, _PATCH_BIAS)
_REQUIRED = (*_PIXELS, *_NAMES, _PATCH_BIAS)
# Of UNCHA's training alone: the least radius of a text, and further temperatures.
_UNUSED = (
    "textual.min_radius_head.0.weight",
    "textual.min_radius_head.0.bias",
    "global_logit_scale",
    "local_logit_scale",
    "global_local_logit_scale",
)


@dataclass(frozen=True)
class MeruCheckpoint:
    """What is needed to build a MERU.

    Attributes:
        weights: the file that was read.
        model_cfg: of an ``open_clip.CLIP``, whose features are lifted.
        preprocess_cfg: open_clip's preprocessing of the images.
        state: the state dict of a :class:`hierarcaps.models.meru_family.encoder.Meru`; without a
            lift, of the ``open_clip.CLIP``.
        lifted: whether there is a lift: else it is a plain CLIP.
        unused: tensors of the file that only its training used.
    """

    weights: Path
    model_cfg: dict[str, Any]
    preprocess_cfg: dict[str, Any]
    state: dict[str, Tensor]
    lifted: bool = True
    unused: tuple[str, ...] = ()


def read_meru(name: str) -> MeruCheckpoint:
    """Read a published file, or a folder with ``meru_config.json`` and ``meru_model.safetensors``.

    A file on the hub is named ``hf-hub:organisation/repository/file``. Nothing is unpickled but
    tensors and plain values.

    Raises:
        InputError: no such file or folder, unreadable, not to be downloaded, or not a MERU.
    """
    path = _hub_path(name) if name.startswith(HUB_PREFIX) else Path(name)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise InputError(
            f"model {name}: no such file or folder, expected a checkpoint of MERU (.pth or "
            f".safetensors), {HUB_PREFIX}organisation/repository/file, or {CONFIG_FILE} and "
            f"{WEIGHTS_FILE} in a folder"
        )
    state = _read_tensors(path)
    state = renamed(state, renaming(_PROJECTIONS, state) or {})
    unused = tuple(sorted(state.keys() & {*_UNUSED}))
    state = {key: value for key, value in state.items() if key not in unused}
    lifted = any(key in state for key in LIFT)
    required = (*LIFT, *_REQUIRED) if lifted else _REQUIRED
    missing = [key for key in required if not any(name.startswith(key) for name in state)]
    if missing:
        raise InputError(f"{path}: {missing[0].strip('.')!r} is missing, expected a MERU")
    try:
        model_cfg = _architecture(state)
        weights = _renamed(state)
    except (IndexError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise InputError(
            f"{path}: its tensors do not have the shapes of a MERU ({one_line(error)})"
        ) from None
    mean, std = (state[key].flatten().tolist() for key in _PIXELS)
    # As MERU's traversals and classification prepare images: resized and cropped to the middle.
    values = (mean, std, "bicubic", "shortest")
    preprocessing = dict(zip(_PREPROCESSING, values, strict=True))
    return MeruCheckpoint(path, model_cfg, preprocessing, weights, lifted, unused)


def _hub_path(name: str) -> Path:
    parts = name.removeprefix(HUB_PREFIX).split("/")
    if len(parts) < 3 or not all(parts):
        raise InputError(
            f"model {name}: expected {HUB_PREFIX}organisation/repository/file of a checkpoint"
        )
    return hub_file("/".join(parts[:2]), ["/".join(parts[2:])])


def _read_folder(folder: Path) -> MeruCheckpoint:
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / file).is_file():
            raise InputError(f"model {folder}: {file} is missing in this folder")
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model_cfg = dict(config["model_cfg"])
        preprocess_cfg = {key: config["preprocess_cfg"][key] for key in _PREPROCESSING}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path}: not a readable configuration of a MERU ({one_line(error)})"
        ) from None
    weights = folder / WEIGHTS_FILE
    return MeruCheckpoint(weights, model_cfg, preprocess_cfg, _read_tensors(weights))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (*TORCH_SUFFIXES, ".safetensors"):
        expected = ", ".join((*TORCH_SUFFIXES, ".safetensors"))
        raise InputError(f"{path}: no known kind of weights file, expected {expected}")
    return read_state(path)


def _architecture(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return open_clip's ``model_cfg`` of the towers; all but the heads is in the shapes."""
    embed_dim, width = state["visual_proj.weight"].shape
    patch_size = state["visual.patch_embed.proj.weight"].shape[-1]
    grid = math.isqrt(state["visual.pos_embed"].shape[1] - 1)
    text_width = state["textual_proj.weight"].shape[1]
    context_length = state["textual.posit_embed"].shape[0]
    vocabulary = state["textual.token_embed.weight"].shape[0]
    if vocabulary != _VOCABULARY:
        raise ValueError(f"{vocabulary} tokens, expected {_VOCABULARY}")
    heads = _HEADS_OF_WIDTH.get(width, width // _HEAD_WIDTH)
    return {
        "embed_dim": embed_dim,
        "vision_cfg": {
            "layers": _layers(state, "visual.blocks."),
            "width": width,
            "head_width": width // heads,
            "patch_size": patch_size,
            "image_size": grid * patch_size,
            "mlp_ratio": state["visual.blocks.0.mlp.fc1.weight"].shape[0] / width,
            "no_ln_pre": True,
        },
        "text_cfg": {
            "context_length": context_length,
            "vocab_size": vocabulary,
            "width": text_width,
            "heads": text_width // _HEAD_WIDTH,
            "layers": _layers(state, "textual.resblocks."),
        },
    }


def _layers(state: Mapping[str, Tensor], prefix: str) -> int:
    return 1 + max(int(key[len(prefix) :].split(".")[0]) for key in state if key.startswith(prefix))


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of the model; names that are not known stay, and do not fit it."""
    lift = {key: state[key] for key in LIFT if key in state}
    found = {}
    for key, value in state.items():
        if key in _IGNORED or key in LIFT:
            continue
        name = next((n + key[len(k) :] for k, n in _NAMES.items() if key.startswith(k)), key)
        if key.startswith("visual.blocks."):
            for theirs, ours in _BLOCK_NAMES.items():
                name = name.replace(theirs, ours)
        found[name] = value
    for name in ("visual.proj", "text_projection"):
        found[name] = found[name].T.contiguous()
    found["visual.class_embedding"] = state["visual.cls_token"].flatten()
    # open_clip's patches have no bias: it is added to each of them with its position.
    positions = state["visual.pos_embed"][0].clone()
    positions[1:] += state[_PATCH_BIAS]
    found["visual.positional_embedding"] = positions
    return lift | {f"clip.{name}": value for name, value in found.items()} if lift else found
