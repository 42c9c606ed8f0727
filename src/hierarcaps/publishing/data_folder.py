"""Generated hierarchies as a folder that ``datasets`` loads, with a card and Croissant metadata."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies, write_hierarchies
from hierarcaps.publishing.croissant import write_croissant
from hierarcaps.publishing.data_card import data_card
from hierarcaps.publishing.markdown import CARD_FILE
from hierarcaps.publishing.study_files import read_run
from hierarcaps.report.dataset.sheet import Datasheet
from hierarcaps.runtime.files import atomic_path

SHEET_FILE = "datasheet.json"


def export_data_folder(
    data: str | Path,
    folder: str | Path,
    *,
    results: str | Path | None = None,
    licence: str | None = None,
    repository: str | None = None,
) -> dict[str, int]:
    """Write a Parquet file per split, ``README.md``, ``croissant.json`` and the datasheet.

    Args:
        data: ``data/hierarcaps`` of a study. The test split is the study's test set, which people
            or the drawn world made and not the pipeline; it has no negatives.
        folder: where the files go, each whole or not at all.
        results: the study's results, whose ``run.json`` names the test set; None for ``results``
            beside the study's ``data``.
        licence: identifier of the licence; None where it is not known.
        repository: where it will be on the hub.

    Returns:
        The number of items of each split.

    Raises:
        InputError: a table or datasheet that cannot be read.
    """
    data, folder = Path(data), Path(folder)
    study = data.resolve().parents[1]
    params = read_run(study / "results" if results is None else Path(results)).get("params", {})
    splits = _splits(data, study, params.get("test_set", {}).get("hierarchies"))
    sheet = Datasheet(data / SHEET_FILE)
    name = (repository or str(folder.resolve())).rsplit("/", 1)[-1]
    files = {split: folder / f"{split}.parquet" for split in splits}
    for split, items in splits.items():
        write_hierarchies(files[split], items)
    card = data_card(name, splits, sheet, params, licence, repository)
    described = f"Caption hierarchies of four tiers, general to specific: {_counted(splits)}."
    write_croissant(folder, name, described, files, licence)
    with atomic_path(folder / SHEET_FILE) as partial:
        shutil.copyfile(data / SHEET_FILE, partial)
    with atomic_path(folder / CARD_FILE) as partial:
        partial.write_text(card, encoding="utf-8")
    return {split: len(items) for split, items in splits.items()}


def _splits(data: Path, study: Path, test_set: str | None) -> Mapping[str, list[CaptionHierarchy]]:
    paths = {split: data / f"{split}.csv" for split in ("train", "validation")}
    if test_set:
        paths["test"] = study / test_set
    return {split: read_hierarchies(path) for split, path in paths.items() if path.is_file()}


def _counted(splits: Mapping[str, list[CaptionHierarchy]]) -> str:
    return ", ".join(f"{len(items):,} of {split}" for split, items in splits.items())
