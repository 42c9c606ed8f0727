"""A model as a Hugging Face folder: weights that other libraries load, and a card."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hierarcaps.models.entry import as_entry
from hierarcaps.models.export import Exported, export_model
from hierarcaps.models.remote import remote_weights
from hierarcaps.models.roots import ROOT_FILE
from hierarcaps.publishing.hub import licence_of
from hierarcaps.publishing.markdown import CARD_FILE
from hierarcaps.publishing.model_card import model_card
from hierarcaps.publishing.study_files import find_origin
from hierarcaps.runtime.files import atomic_path


def export_model_folder(
    model: str,
    folder: str | Path,
    *,
    results: str | Path | None = None,
    licence: str | None = None,
    datasets: Sequence[str] = (),
    repository: str | None = None,
) -> Exported:
    """Write a model's files (:func:`hierarcaps.models.export.export_model`) and its card.

    Args:
        model: as :func:`hierarcaps.models.entry.as_entry` takes it; of a checkpoint of a study
            (``models/NAME/OBJECTIVE/seedN``) the card tells what the study's files say.
        folder: where the files go, each whole or not at all.
        results: folder of result files; None for ``results`` beside the study's ``models``.
        licence: identifier of the model's licence; None for that of its base model on the hub.
        datasets: repositories of what it was trained on.
        repository: where it will be on the hub.

    Raises:
        InputError: a model or results that cannot be used.
    """
    entry, folder = as_entry(model), Path(folder)
    exported = export_model(entry, folder)
    checkpoint = Path(entry.get("open_clip") or entry.get("transformers") or "")
    results = None if results is None else Path(results)
    origin = find_origin(checkpoint, exported.provenance["weights_sha256"], results)
    base = _repository(entry) or _repository(origin.base)
    if (checkpoint / ROOT_FILE).is_file():  # where its radii start
        with atomic_path(folder / ROOT_FILE) as partial:
            shutil.copyfile(checkpoint / ROOT_FILE, partial)
    card = model_card(
        (repository or str(folder.resolve())).rsplit("/", 1)[-1],
        exported,
        origin,
        repository=repository,
        base_model=base,
        licence=licence or (licence_of(base) if base else None),
        datasets=datasets,
    )
    with atomic_path(folder / CARD_FILE) as partial:
        partial.write_text(card, encoding="utf-8")
    return exported


def _repository(entry: Mapping[str, Any]) -> str | None:
    """Return the repository of an entry's weights; None of local ones, absent ones too."""
    remote = remote_weights(entry) if entry else None
    if remote is None or not re.fullmatch(r"(?!models/)[\w.-]+/[\w.-]+", remote.repository):
        return None
    return remote.repository
