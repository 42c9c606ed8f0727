"""Finds what an open_clip model name means, before anything is built or read."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import open_clip
from open_clip.pretrained import download_pretrained

from hierarcaps.models.hub import hub_file
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.weights_files import TORCH_SUFFIXES, refuse_pointers

HUB_PREFIX = "hf-hub:"
FOLDER_PREFIX = "local-dir:"
CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
# In open_clip's own order of preference, so that the file hashed is the file it loads.
_FOLDER_WEIGHTS = (
    WEIGHTS_FILE,
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
_WEIGHT_SUFFIXES = (".safetensors", *TORCH_SUFFIXES)


@dataclass(frozen=True)
class Source:
    """What open_clip is to build, and the weights file that it will read.

    Attributes:
        name: open_clip's model name.
        weights: the file whose hash goes into the provenance.
        pretrained: open_clip's argument of this name; None where ``name`` implies it.
        tokeniser: the name that gives the tokeniser.
        options: preprocessing and activation that belong to the weights, not to the architecture.
    """

    name: str
    weights: Path
    pretrained: str | None = None
    tokeniser: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.tokeniser:
            object.__setattr__(self, "tokeniser", self.name)


def find_source(name: str, pretrained: str | None) -> Source:
    """Resolve a name as :func:`hierarcaps.models.open_clip_family.encoder.load_open_clip` takes it.

    Raises:
        InputError: unknown architecture, tag or folder; weights that cannot be found or downloaded.
    """
    architecture = name.replace("/", "-")  # "ViT-B/32", as open_clip allows
    if not name.startswith((HUB_PREFIX, FOLDER_PREFIX)) and architecture in open_clip.list_models():
        return _find_architecture(architecture, pretrained)
    if pretrained is not None:
        raise InputError(
            f"model {name}: 'pretrained' is {pretrained!r}, expected it only beside the name of an "
            f"architecture{_near(architecture, open_clip.list_models())}"
        )
    if name.startswith(HUB_PREFIX):
        return _find_hub(name.removeprefix(HUB_PREFIX))
    folder = Path(name.removeprefix(FOLDER_PREFIX))
    if folder.is_dir():
        return _find_folder(folder)
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
    return Source(name, path, str(path))


def _find_tag(name: str, settings: dict[str, Any]) -> Source:
    repository, _, file_name = settings.get("hf_hub", "").rpartition("/")
    if repository:
        weights = hub_file(repository, [file_name] if file_name else _FOLDER_WEIGHTS)
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
    return Source(name, weights, str(weights), options=options)


def _find_hub(repository: str) -> Source:
    config = hub_file(repository, [CONFIG_FILE])
    weights = hub_file(repository, _FOLDER_WEIGHTS)
    source = _find_folder(config.parent)
    text = json.loads(config.read_text(encoding="utf-8"))["model_cfg"].get("text_cfg", {})
    # Tokeniser files that open_clip does not ship are in the repository.
    tokeniser = f"{HUB_PREFIX}{repository}" if text.get("hf_tokenizer_name") else source.tokeniser
    return replace(source, weights=weights, tokeniser=tokeniser)


def _find_folder(folder: Path) -> Source:
    path = folder / CONFIG_FILE
    refuse_pointers(folder)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"model {folder}: {CONFIG_FILE} is missing in this folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_cfg"), dict):
        raise InputError(f"{path}: 'model_cfg' is missing, expected an open_clip configuration")
    for weights in _FOLDER_WEIGHTS:
        if (folder / weights).is_file():
            return Source(f"{FOLDER_PREFIX}{folder}", folder / weights)
    # open_clip itself would go on with random weights.
    raise InputError(f"model {folder}: {WEIGHTS_FILE} is missing in this folder")


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    return f"; similar architectures: {', '.join(near)}" if near else ""
