"""Writes an open_clip model as a local folder that open_clip itself loads."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from hierarcaps.models.hub import hub_file
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip
from hierarcaps.models.open_clip_family.source import (
    CONFIG_FILE,
    FOLDER_PREFIX,
    HUB_PREFIX,
    WEIGHTS_FILE,
    find_source,
)
from hierarcaps.runtime.files import atomic_path, write_json


def save_open_clip(encoder: OpenClipEncoder, folder: str | Path) -> None:
    """Write ``open_clip_config.json`` and ``open_clip_model.safetensors``.

    The architecture and the preprocessing are those of the model that was loaded, activation
    included, so that the folder needs no other name or option to give the same embeddings.

    Args:
        encoder: a model from :func:`encoder.load_open_clip`, trained further.
        folder: where the files go, each whole or not at all; the weights come last.
    """
    provenance = encoder.provenance()
    config = {
        "model_cfg": _architecture(provenance["name"], provenance["pretrained"]),
        "preprocess_cfg": provenance["preprocessing"],
    }
    folder = Path(folder)
    write_json(folder / CONFIG_FILE, config)
    with atomic_path(folder / WEIGHTS_FILE) as partial:
        weights = encoder.model.state_dict()
        # Not save_file: it makes the file readable for its owner alone.
        partial.write_bytes(save({name: value.contiguous() for name, value in weights.items()}))


def _architecture(name: str, pretrained: str | None) -> dict[str, Any]:
    """Return open_clip's ``model_cfg`` of what this name and tag load."""
    source = find_source(name, pretrained)
    if name.startswith(HUB_PREFIX):
        path = hub_file(name.removeprefix(HUB_PREFIX), [CONFIG_FILE])
    elif source.name.startswith(FOLDER_PREFIX):
        path = Path(source.name.removeprefix(FOLDER_PREFIX)) / CONFIG_FILE
    else:
        architecture = open_clip.get_model_config(source.name)
        if source.options.get("force_quick_gelu"):
            architecture["quick_gelu"] = True
        return architecture
    return json.loads(path.read_text(encoding="utf-8"))["model_cfg"]
