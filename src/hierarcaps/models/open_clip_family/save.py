"""Writes an open_clip model as a local folder that open_clip itself loads."""

from pathlib import Path
from typing import Any

from safetensors.torch import save

from hierarcaps.models.hub import TOKENISER_FILES
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.models.open_clip_family.source import CONFIG_FILE, WEIGHTS_FILE, Source
from hierarcaps.models.open_clip_family.text_files import TEXT_CONFIG_FILE
from hierarcaps.runtime.files import atomic_path, publish, write_json

_THIS_FOLDER = "."


def save_open_clip(encoder: OpenClipEncoder, folder: str | Path) -> None:
    """Write ``open_clip_config.json`` and ``open_clip_model.safetensors``.

    The architecture and the preprocessing are those of the model that was loaded, activation
    included, so that the folder needs no other name or option to give the same embeddings. A text
    tower of transformers has its configuration and tokeniser in the folder too, which can be moved
    (open_clip itself looks for them in the working directory, so it loads such a folder from
    within).

    Args:
        encoder: a model from :func:`encoder.load_open_clip`, trained further.
        folder: where the files go, each whole or not at all; the weights come last.
    """
    source = encoder.source
    assert source is not None  # it was loaded
    config = {
        "model_cfg": _architecture(source),
        "preprocess_cfg": encoder.provenance()["preprocessing"],
    }
    folder = Path(folder)
    write_json(folder / CONFIG_FILE, config)
    kept = [source.text_tower / TEXT_CONFIG_FILE] if source.text_tower else []
    kept += [source.tokeniser / name for name in TOKENISER_FILES] if source.tokeniser else []
    publish([file for file in kept if file.is_file()], folder)
    with atomic_path(folder / WEIGHTS_FILE) as partial:
        weights = encoder.model.state_dict()
        # Not save_file: it makes the file readable for its owner alone.
        partial.write_bytes(save({name: value.contiguous() for name, value in weights.items()}))


def _architecture(source: Source) -> dict[str, Any]:
    text = dict(source.model_cfg["text_cfg"])
    if source.text_tower:
        text["hf_model_name"] = _THIS_FOLDER
    if source.tokeniser:
        text["hf_tokenizer_name"] = _THIS_FOLDER
    return {**source.model_cfg, "text_cfg": text}
