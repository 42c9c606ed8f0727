"""Writes a model as the folder that other libraries load."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.models.open_clip_family.export import NoCounterpartError, export_open_clip
from hierarcaps.models.open_clip_family.save import save_open_clip
from hierarcaps.models.registry import load_model
from hierarcaps.models.save import save_encoder
from hierarcaps.runtime.errors import InputError

OPEN_CLIP, TRANSFORMERS = "open_clip", "transformers"
SENTENCE_TRANSFORMERS = "sentence-transformers"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        libraries: those that load the folder, the most used one first.
        model_class: its class in transformers; None where open_clip alone loads it.
        without: what transformers has no class for; empty where it loads the model.
        provenance: what the model says of itself.
    """

    libraries: tuple[str, ...]
    model_class: str | None
    without: str
    provenance: dict[str, Any]


def export_model(entry: Mapping[str, Any], folder: str | Path) -> Exported:
    """Write a model in the format of each library that has a class for it.

    A model of open_clip is written as its own folder (``local-dir:``, ``hf-hub:``) and, with a
    plain ViT and CLIP's text tower, as a ``CLIPModel`` beside it; transformers has no class for
    a ResNet. A model of transformers is written as it came. sentence-transformers loads every
    ``CLIPModel``.

    Args:
        entry: the model, as :func:`hierarcaps.models.registry.load_model` takes it.
        folder: where the files go, each whole or not at all.

    Raises:
        InputError: a model that cannot be loaded, or one of MERU's format, which no library loads.
    """
    encoder = load_model(entry, device=torch.device("cpu"))
    if isinstance(encoder, OpenClipEncoder):
        return _of_open_clip(encoder, folder)
    return _of_transformers(encoder, folder)


def _of_open_clip(encoder: OpenClipEncoder, folder: str | Path) -> Exported:
    without = ""
    try:
        export_open_clip(encoder, folder)
    except NoCounterpartError as error:
        without = error.found
    save_open_clip(encoder, folder)
    libraries = (OPEN_CLIP,) if without else (TRANSFORMERS, OPEN_CLIP, SENTENCE_TRANSFORMERS)
    model_class = None if without else "CLIPModel"
    return Exported(libraries, model_class, without, encoder.provenance())


def _of_transformers(encoder: DualEncoder, folder: str | Path) -> Exported:
    provenance = encoder.provenance()
    try:
        save_encoder(encoder, folder)
    except TypeError:
        raise InputError(
            f"model {provenance['name']}: is of MERU's format, which no other library loads; "
            "expected a model of open_clip or transformers"
        ) from None
    is_clip = provenance["class"] == "CLIPModel"
    libraries = (TRANSFORMERS, *[SENTENCE_TRANSFORMERS] * is_clip)
    return Exported(libraries, provenance["class"], "", provenance)
