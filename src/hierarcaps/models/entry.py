"""How a person names a model in a line: a tag of open_clip, a folder, or an entry."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierarcaps.runtime.errors import InputError

# A folder is of the family whose configuration it holds, the first of those that it has.
_CONFIGURATIONS = {
    "open_clip_config.json": "open_clip",
    "modules.json": "text_only",
    "config.json": "transformers",
}
_EXPECTED = (
    "NAME/TAG of open_clip (ViT-B-32/openai), a checkpoint's folder, or an entry such as "
    "'transformers: openai/clip-vit-base-patch32'"
)


def as_entry(model: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a model's entry, as in the ``models`` section of the parameters.

    Args:
        model: an entry, or a text: ``NAME/TAG`` or ``hf-hub:...`` of open_clip; the folder of an
            open_clip, transformers or sentence-transformers checkpoint; ``FAMILY: NAME``, taken to
            the letter; or an entry in YAML.

    Raises:
        InputError: a text that is none of these, or a key that is given twice.

    >>> as_entry("ViT-B-32/openai")
    {'open_clip': 'ViT-B-32', 'pretrained': 'openai'}
    """
    if not isinstance(model, str):
        return model
    text = model.strip()
    # A path may hold what YAML takes for something else: " #", ": " or a leading "~".
    if plain := re.fullmatch(
        r"(open_clip|transformers|meru|text_only):[ \t]+([^\s\"'{\[].*)", text
    ):
        family, name = plain.groups()
        return {family: os.path.expanduser(name)}  # noqa: PTH111 - a name on a hub is no path
    if text.startswith("hf-hub:"):
        return {"open_clip": text}
    folder = Path(os.path.expanduser(text))  # noqa: PTH111 - of a "~" that no user has
    if text and folder.is_dir():
        return _of_folder(folder)
    if tagged := re.fullmatch(r"([\w.-]+)/([\w.-]+)", text):
        return {"open_clip": tagged[1], "pretrained": tagged[2]}
    return _of_yaml(model)


def _of_folder(folder: Path) -> dict[str, Any]:
    for name, family in _CONFIGURATIONS.items():
        if (folder / name).is_file():
            return {family: str(folder)}
    raise InputError(
        f"model {folder}: found no configuration in this folder, expected one of "
        f"{', '.join(_CONFIGURATIONS)}"
    )


def _of_yaml(text: str) -> dict[str, Any]:
    import yaml

    from hierarcaps.runtime.yaml_text import repeated_keys

    try:
        entry = yaml.safe_load(text)
        twice = next(repeated_keys(text), None)
    except yaml.YAMLError:
        entry = twice = None
    if twice:
        raise InputError(f"model {text!r}: the key {twice[0]!r} is given twice, expected once")
    if not isinstance(entry, dict):
        raise InputError(f"model {text!r}: expected {_EXPECTED}")
    return entry
