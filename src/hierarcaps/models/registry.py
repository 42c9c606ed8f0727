"""From an entry of ``models:`` in params.yaml to a loaded model."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from hierarcaps.models.encoder import DualEncoder, TextOnlyEncoder
from hierarcaps.models.entry import as_entry
from hierarcaps.models.prolip import refuse_prolip
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import choose_device

_OPTIONS = {"pretrained", "root", "seeds"}
_TEXT_ONLY = "text_only"


def load_model(
    entry: str | Mapping[str, Any], seed: int = 0, device: str | torch.device = "auto"
) -> DualEncoder:
    """Load the model that ``entry`` describes, in evaluation mode.

    Args:
        entry: a text, as :func:`hierarcaps.models.entry.as_entry` takes it; or ``open_clip`` with
            an architecture name, an ``hf-hub:`` id or a local folder, and beside an architecture
            name ``pretrained`` with a tag or a weights file; or ``transformers`` with a hub id or a
            local folder of a CLIP, ALIGN, SigLIP or vision-text dual encoder; or ``meru`` with a
            file, local or on the hub (``hf-hub:``), or a local folder. ``{seed}`` is replaced by
            ``seed``. ``seeds`` and ``root`` say how a model is used, and are ignored here.
        seed: which of several checkpoints of one variant.
        device: where to put the weights; ``auto`` takes a GPU where there is one.

    Raises:
        InputError: unknown family, architecture or tag; weights that cannot be found, downloaded
            or read, or do not fit the architecture; a ProLIP; an encoder of texts alone.
    """
    entry = as_entry(entry)
    if _TEXT_ONLY in entry:
        raise InputError(
            f"model {entry[_TEXT_ONLY]}: encodes texts alone, expected a model with an image tower"
        )
    if isinstance(device, str):
        device = choose_device(device)
    families = [key for key in entry if key not in _OPTIONS]
    if len(families) != 1 or families[0] not in _LOADERS:
        found = ", ".join(map(repr, families)) or "none"
        raise InputError(
            f"model entry names {found}, expected exactly one of {', '.join(_LOADERS)} and, of "
            f"texts alone, {_TEXT_ONLY}"
        )
    family = families[0]
    values = {
        key: _resolve(entry[key], key, seed) for key in (family, "pretrained") if key in entry
    }
    refuse_prolip(values[family])
    return _LOADERS[family](values[family], values.get("pretrained"), device)


def load_text_encoder(
    entry: str | Mapping[str, Any], seed: int = 0, device: str | torch.device = "auto"
) -> TextOnlyEncoder:
    """Load a model that is to be probed: as :func:`load_model`, or an encoder of texts alone.

    Args:
        entry: also ``text_only`` with the folder or hub id of a sentence encoder, in the layout of
            sentence-transformers.
        seed: as :func:`load_model`.
        device: likewise.

    Raises:
        InputError: as :func:`load_model`; a part of a sentence encoder that is not known here.
    """
    entry = as_entry(entry)
    if [key for key in entry if key not in _OPTIONS] != [_TEXT_ONLY]:
        return load_model(entry, seed, device)
    from hierarcaps.models.sentence_family.encoder import load_sentence_encoder

    name = _resolve(entry[_TEXT_ONLY], _TEXT_ONLY, seed)
    _refuse_pretrained(name, entry.get("pretrained"))
    return load_sentence_encoder(name, choose_device(device) if isinstance(device, str) else device)


def _resolve(value: Any, key: str, seed: int) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"model entry: {key} is {value!r}, expected a name or a path")
    return value.replace("{seed}", str(seed))


def _load_open_clip(name: str, pretrained: str | None, device: torch.device) -> DualEncoder:
    from hierarcaps.models.open_clip_family.encoder import load_open_clip

    return load_open_clip(name, pretrained, device)


def _load_transformers(name: str, pretrained: str | None, device: torch.device) -> DualEncoder:
    from hierarcaps.models.transformers_family.encoder import load_transformers

    _refuse_pretrained(name, pretrained)
    return load_transformers(name, device)


def _load_meru(name: str, pretrained: str | None, device: torch.device) -> DualEncoder:
    from hierarcaps.models.meru_family.encoder import load_meru

    _refuse_pretrained(name, pretrained)
    return load_meru(name, device)


def _refuse_pretrained(name: str, pretrained: str | None) -> None:
    if pretrained is not None:
        raise InputError(f"model {name}: 'pretrained' belongs to open_clip, expected none here")


_LOADERS: dict[str, Callable[[str, str | None, torch.device], DualEncoder]] = {
    "open_clip": _load_open_clip,
    "transformers": _load_transformers,
    "meru": _load_meru,
}
