"""Finds the configuration and the tokeniser of a text tower of transformers in an open_clip model.

open_clip takes their names for folders of the working directory, else for repositories. Here a
local folder of a model holds its own: below it under the name, or beside the weights, so that it
can be moved.
"""

import json
from pathlib import Path

from open_clip.hf_configs import arch_dict

from hierarcaps.models.hub import SMALL_FILES, VOCABULARY_FILES, hub_file, hub_folder
from hierarcaps.runtime.errors import InputError, one_line

TEXT_CONFIG_FILE = "config.json"


def find_text_tower(name: str, folder: Path | None) -> Path:
    """Return the folder with the configuration of the text tower.

    Args:
        name: ``hf_model_name`` of open_clip's configuration.
        folder: the model's own, where it is a local one.

    Raises:
        InputError: it is nowhere, cannot be downloaded, or is of a model that open_clip does not
            know as a text tower.
    """
    for place in _places(name, folder):
        if _model_type(place / TEXT_CONFIG_FILE) in arch_dict:
            return place
    try:
        found = hub_file(name, [TEXT_CONFIG_FILE]).parent
    except InputError as error:
        raise _missing("configuration", TEXT_CONFIG_FILE, name, folder, error) from None
    if (kind := _model_type(found / TEXT_CONFIG_FILE)) not in arch_dict:
        raise InputError(
            f"{found / TEXT_CONFIG_FILE}: 'model_type' is {kind!r}, expected a text tower: one of "
            f"{', '.join(arch_dict)}"
        )
    return found


def find_tokeniser(name: str, folder: Path | None) -> Path:
    """Return the folder with the tokeniser's files.

    Args:
        name: ``hf_tokenizer_name`` of open_clip's configuration.
        folder: the model's own, where it is a local one.

    Raises:
        InputError: they are nowhere, or cannot be downloaded.
    """
    for place in _places(name, folder):
        if any((place / file).is_file() for file in VOCABULARY_FILES):
            return place
    try:
        return hub_folder(name, (VOCABULARY_FILES,), SMALL_FILES)
    except InputError as error:
        raise _missing("tokeniser", VOCABULARY_FILES[0], name, folder, error) from None


def _places(name: str, folder: Path | None) -> list[Path]:
    return [] if folder is None else [folder / name, folder]


def _model_type(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
    found = content.get("model_type") if isinstance(content, dict) else None
    return found if isinstance(found, str) else None


def _missing(what: str, file: str, name: str, folder: Path | None, error: InputError) -> InputError:
    if folder is None:
        return InputError(f"the text tower's {what}: {error}")
    return InputError(
        f"model {folder}: the text tower's {what} is missing, expected {file} in this folder, or "
        f"the repository {name!r} ({error})"
    )
