"""Which weights an entry of ``models:`` takes from the hub, known before anything is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.models.hub import HUB_PREFIX, is_cached


@dataclass(frozen=True)
class RemoteWeights:
    """Weights on the hub.

    Attributes:
        name: the repository, or the repository and the file where the entry names one.
        repository: its id.
        files: names of the weights file, of which the repository has one.
    """

    name: str
    repository: str
    files: tuple[str, ...]

    def cached(self) -> bool:
        """Return whether they are in the cache already."""
        return is_cached(self.repository, self.files)


def remote_weights(entry: Mapping[str, Any]) -> RemoteWeights | None:
    """Return the weights that an entry takes from the hub; None for local ones."""
    if name := entry.get("transformers") or entry.get("text_only"):
        from hierarcaps.models.transformers_family.source import WEIGHTS

        return None if Path(name).is_dir() else RemoteWeights(name, name, WEIGHTS)
    if "meru" in entry:
        return _meru_weights(entry["meru"])
    return _open_clip_weights(entry["open_clip"], entry.get("pretrained"))


def _meru_weights(name: str) -> RemoteWeights | None:
    if not name.startswith(HUB_PREFIX):
        return None
    name = name.removeprefix(HUB_PREFIX)
    repository = "/".join(name.split("/")[:2])
    return RemoteWeights(name, repository, (name.removeprefix(f"{repository}/"),))


def _open_clip_weights(name: str, tag: str | None) -> RemoteWeights | None:
    from hierarcaps.models.open_clip_family.encoder import open_clip
    from hierarcaps.models.open_clip_family.source import FOLDER_WEIGHTS

    if name.startswith(HUB_PREFIX):
        repository, file = name.removeprefix(HUB_PREFIX), ""
    else:
        settings = open_clip.get_pretrained_cfg(name.replace("/", "-"), tag or "")
        repository, _, file = settings.get("hf_hub", "").rpartition("/")
    if not repository:
        return None
    return RemoteWeights(repository, repository, (file,) if file else FOLDER_WEIGHTS)
