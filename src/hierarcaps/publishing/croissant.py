"""Croissant metadata (https://mlcommons.org/croissant) of exported caption hierarchies."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierarcaps.runtime.files import atomic_path, sha256_file

CROISSANT_FILE = "croissant.json"
COLUMNS = {
    "id": "Unique within a split.",
    "tiers": "Four captions, from the most general to the most specific; each entails the one "
    "before.",
    "image": "File name of the image that the most specific caption is of; null where none is "
    "known. The images are not part of the data set.",
    "negatives": "Four captions, each contradicting the tier in its place; null in a split "
    "that has none.",
}
"""What each column holds."""
LISTS = ("tiers", "negatives")


def write_croissant(
    folder: Path, name: str, description: str, splits: Mapping[str, Path], licence: str | None
) -> None:
    """Describe the Parquet file of each split, by its hash, and each of its columns.

    Raises:
        mlcroissant.ValidationError: metadata that are not valid Croissant.
    """
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)  # of recommended properties left out
    files = [
        mlcroissant.FileObject(
            id=path.name,
            name=path.name,
            content_url=path.name,
            encoding_formats=["application/x-parquet"],
            sha256=sha256_file(path),
        )
        for path in splits.values()
    ]
    records = [
        mlcroissant.RecordSet(
            id=split, name=split, fields=[_field(split, path.name, column) for column in COLUMNS]
        )
        for split, path in splits.items()
    ]
    metadata = mlcroissant.Metadata(
        name=name,
        description=description,
        license=[licence] if licence else None,
        keywords=["image-text", "hierarchy", "entailment"],
        distribution=files,
        record_sets=records,
    )
    with atomic_path(folder / CROISSANT_FILE) as partial:
        text = json.dumps(metadata.to_json(), indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def _field(split: str, file: str, column: str) -> Any:
    import mlcroissant

    return mlcroissant.Field(
        id=f"{split}/{column}",
        name=column,
        description=COLUMNS[column],
        data_types=[mlcroissant.DataType.TEXT],
        repeated=True if column in LISTS else None,
        source=mlcroissant.Source(file_object=file, extract=mlcroissant.Extract(column=column)),
    )
