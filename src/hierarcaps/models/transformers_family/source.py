"""Finds what a transformers model name means, before anything is built or read."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.models.hub import SMALL_FILES, VOCABULARY_FILES, hub_file, hub_folder
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.files import sha256_file, sha256_json
from hierarcaps.runtime.weights_files import refuse_pointers

# By ``model_type`` of the configuration; these have two towers and one space.
MODEL_CLASSES = {
    "align": "AlignModel",
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "vision-text-dual-encoder": "VisionTextDualEncoderModel",
}

CONFIG_FILE = "config.json"
# In transformers' own order of preference, so that the files hashed are the files it loads.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
IMAGE_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_REQUIRED = ((CONFIG_FILE,), IMAGE_PROCESSOR_FILES, VOCABULARY_FILES, WEIGHTS)
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
"""The id of a repository on the hub."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the format of transformers.

    Attributes:
        folder: where all its files are.
        model_class: name of its class in transformers.
        weights: the file that transformers reads; of several shards, their index.
        shards: the files that hold the weights.
    """

    folder: Path
    model_class: str
    weights: Path
    shards: tuple[Path, ...]

    def weights_sha256(self) -> str:
        """Return the hash of the weights file; of several shards, the hash of their hashes."""
        if self.shards == (self.weights,):
            return sha256_file(self.weights)
        return sha256_json({shard.name: sha256_file(shard) for shard in self.shards})


def find_checkpoint(name: str) -> Checkpoint:
    """Resolve a local folder, or the id of a repository on the Hugging Face hub.

    Raises:
        InputError: no such folder or repository, no network, files missing, or another model.
    """
    folder, repository = Path(name), None
    if not folder.is_dir():
        if not REPOSITORY.fullmatch(name) or name.startswith("."):
            raise InputError(
                f"model {name}: no such folder, and no id of a repository (organisation/name)"
            )
        folder, repository = hub_folder(name, _REQUIRED, SMALL_FILES), name
    refuse_pointers(folder)
    for names in _REQUIRED:
        if not any((folder / each).is_file() for each in names):
            raise InputError(f"model {name}: {names[0]} is missing in this folder")
    return checkpoint_in(folder, _model_class(folder / CONFIG_FILE), repository)


def checkpoint_in(folder: Path, model_class: str, repository: str | None) -> Checkpoint:
    """Return the checkpoint of a folder that has one of ``WEIGHTS``, with all of its shards.

    Args:
        folder: local.
        model_class: name of its class in transformers.
        repository: on the hub, which missing shards are fetched from; None for a local folder.

    Raises:
        InputError: an unreadable index of shards, or one that is missing.
    """
    weights = next(folder / each for each in WEIGHTS if (folder / each).is_file())
    return Checkpoint(folder, model_class, weights, _shards(weights, repository))


def _model_class(path: Path) -> str:
    config = read_json(path)
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in MODEL_CLASSES:
        raise InputError(
            f"{path}: 'model_type' is {found!r}, expected a model of two towers: one of "
            f"{', '.join(MODEL_CLASSES)}"
        )
    return MODEL_CLASSES[found]


def _shards(weights: Path, repository: str | None) -> tuple[Path, ...]:
    if weights.suffix != ".json":
        return (weights,)
    index = read_json(weights)
    try:
        names = sorted(set(index["weight_map"].values()))
        shards = tuple(weights.parent / name for name in names)
    except (LookupError, TypeError, AttributeError):
        raise InputError(
            f"{weights}: 'weight_map' is missing, expected an index of shards"
        ) from None
    for shard in shards:
        if repository:
            hub_file(repository, [shard.name])
        if not shard.is_file():
            raise InputError(f"{weights}: the shard {shard.name} is missing in this folder")
    return shards


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
