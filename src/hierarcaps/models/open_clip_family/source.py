"""Finds what an open_clip model name means, before anything is built or read."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import open_clip
from open_clip.pretrained import download_pretrained

from hierarcaps.models.hub import HUB_PREFIX, hub_file
from hierarcaps.models.open_clip_family.text_files import find_text_tower, find_tokeniser
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.weights_files import TORCH_SUFFIXES, refuse_pointers

FOLDER_PREFIX = "local-dir:"
CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
# In open_clip's own order of preference, so that the file hashed is the file it loads.
FOLDER_WEIGHTS = (
    WEIGHTS_FILE,
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
_WEIGHT_SUFFIXES = (".safetensors", *TORCH_SUFFIXES)


@dataclass(frozen=True)
class Source:
    """What open_clip is to build, and the files that it will read.

    Attributes:
        name: open_clip's model name.
        weights: the file whose hash goes into the provenance.
        model_cfg: open_clip's configuration of the architecture.
        pretrained: open_clip's argument of this name; None where ``name`` implies it.
        options: preprocessing and activation that belong to the weights, not to the architecture.
        text_tower: folder with the ``config.json`` of a text tower of transformers; None of others.
        tokeniser: folder with the files of a tokeniser of transformers; None of others.
    """

    name: str
    weights: Path
    model_cfg: dict[str, Any]
    pretrained: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    text_tower: Path | None = None
    tokeniser: Path | None = None

    def text_cfg(self) -> dict[str, Any]:
        """Return open_clip's configuration of the text tower, found where it is."""
        text = self.model_cfg["text_cfg"]
        if self.text_tower is None:
            return text
        # All weights come from the one file: none are fetched for the text tower alone.
        return {**text, "hf_model_name": str(self.text_tower), "hf_model_pretrained": False}


def find_source(name: str, pretrained: str | None) -> Source:
    """Resolve a name as :func:`hierarcaps.models.open_clip_family.encoder.load_open_clip` takes it.

    Raises:
        InputError: unknown architecture, tag or folder; weights, or the text tower's configuration
            or tokeniser, that cannot be found or downloaded.
    """
    architecture = name.replace("/", "-")  # "ViT-B/32", as open_clip allows
    if not name.startswith((HUB_PREFIX, FOLDER_PREFIX)) and architecture in open_clip.list_models():
        return _with_text_files(_find_architecture(architecture, pretrained), None)
    if pretrained is not None:
        hub = f"{name}/{pretrained}"
        near = _near(architecture, open_clip.list_models()) or (
            f"; a repository of the hub is 'transformers: {hub}' or 'open_clip: hf-hub:{hub}'"
        )
        raise InputError(
            f"model {name}: 'pretrained' is {pretrained!r}, expected it only beside the name of an "
            f"architecture{near}"
        )
    if name.startswith(HUB_PREFIX):
        return _with_text_files(_find_hub(name.removeprefix(HUB_PREFIX)), None)
    folder = Path(name.removeprefix(FOLDER_PREFIX))
    if folder.is_dir():
        return _with_text_files(_find_folder(folder), folder)
    if name.startswith(FOLDER_PREFIX) or "/" in name:
        raise InputError(
            f"model {name}: no such folder, expected {CONFIG_FILE} and {WEIGHTS_FILE} in it"
        )
    raise InputError(
        f"model {name}: neither an architecture of open_clip nor a folder"
        f"{_near(architecture, open_clip.list_models())}"
    )


def _find_architecture(name: str, pretrained: str | None) -> Source:
    tags = open_clip.list_pretrained_tags_by_model(name)
    allowed = f"expected a weights file or one of the tags {', '.join(tags) or '(none)'}"
    if pretrained is None:
        raise InputError(f"model {name}: 'pretrained' is missing, {allowed}")
    settings = open_clip.get_pretrained_cfg(name, pretrained)
    if settings:
        return _find_tag(name, settings)
    path = Path(pretrained)
    if not path.is_file():
        raise InputError(f"model {name}: 'pretrained' is {pretrained!r}, {allowed}")
    if path.suffix not in _WEIGHT_SUFFIXES:
        expected = ", ".join(_WEIGHT_SUFFIXES)
        raise InputError(
            f"model {name}: {path} is no known kind of weights file, expected {expected}"
        )
    return Source(name, path, open_clip.get_model_config(name), str(path))


def _with_text_files(source: Source, folder: Path | None) -> Source:
    """Add where the files of a text tower of transformers are; a ``folder`` may hold them."""
    text = source.model_cfg["text_cfg"]
    tower, tokeniser = (str(text.get(f"hf_{kind}_name") or "") for kind in ("model", "tokenizer"))
    return replace(
        source,
        text_tower=find_text_tower(tower, folder) if tower else None,
        tokeniser=find_tokeniser(tokeniser, folder) if tokeniser else None,
    )


def _find_tag(name: str, settings: dict[str, Any]) -> Source:
    repository, _, file_name = settings.get("hf_hub", "").rpartition("/")
    if repository:
        weights = hub_file(repository, [file_name] if file_name else FOLDER_WEIGHTS)
    else:
        try:
            weights = Path(download_pretrained(settings))
        except Exception as error:
            # Tags outside the hub come by urllib, which raises whatever the transport raises.
            raise InputError(
                f"model {name}: the weights cannot be downloaded ({one_line(error)}), "
                "expected network, a local folder or a local weights file"
            ) from None
    options = {f"image_{key}": settings[key] for key in _PREPROCESSING if key in settings}
    # open_clip only warns where a plain architecture name meets weights trained with QuickGELU.
    options["force_quick_gelu"] = bool(settings.get("quick_gelu"))
    architecture = open_clip.get_model_config(name)
    if options["force_quick_gelu"]:
        architecture["quick_gelu"] = True
    return Source(name, weights, architecture, str(weights), options)


def _find_hub(repository: str) -> Source:
    config = hub_file(repository, [CONFIG_FILE])
    weights = hub_file(repository, FOLDER_WEIGHTS)
    return replace(_find_folder(config.parent), weights=weights)


def _find_folder(folder: Path) -> Source:
    path = folder / CONFIG_FILE
    refuse_pointers(folder)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"model {folder}: {CONFIG_FILE} is missing in this folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
    model_cfg = config.get("model_cfg") if isinstance(config, dict) else None
    if not isinstance(model_cfg, dict):
        raise InputError(f"{path}: 'model_cfg' is missing, expected an open_clip configuration")
    if not isinstance(model_cfg.get("text_cfg"), dict):
        raise InputError(f"{path}: 'text_cfg' is missing, expected an open_clip configuration")
    for weights in FOLDER_WEIGHTS:
        if (folder / weights).is_file():
            return Source(f"{FOLDER_PREFIX}{folder}", folder / weights, model_cfg)
    # open_clip itself would go on with random weights.
    raise InputError(f"model {folder}: {WEIGHTS_FILE} is missing in this folder")


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    return f"; similar architectures: {', '.join(near)}" if near else ""
