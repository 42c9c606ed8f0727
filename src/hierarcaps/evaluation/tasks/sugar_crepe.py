"""SugarCrepe: is an image nearer to its caption than to one with a small wrong change?"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.image_sets import ImageSet
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, Values
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.metrics.ranking import mean
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

FILES = (
    "replace_obj", "replace_att", "replace_rel", "swap_obj", "swap_att", "add_obj", "add_att",
)  # fmt: skip
KEYS = ("filename", "caption", "negative_caption")


@dataclass(frozen=True)
class SugarCrepe:
    """SugarCrepe (Hsieh et al., 2023): accuracy of the right caption against a hard negative.

    The protocol is that benchmark's (``main_eval.py`` of its repository), not the paper's: an image
    is right where it is strictly more similar to its caption than to the negative one, so ties are
    wrong. Accuracy per file, and ``accuracy``, the mean of the files' accuracies. An aligned model
    that falls here has lost composition. Intervals are over images, drawn for all files at once.

    Attributes:
        pairs: columns ``file`` (one of ``FILES``), ``unit`` (the image), ``caption``,
            ``negative_caption``.
        image_set: the images, of COCO val2017.
        sources: provenance.
    """

    pairs: pd.DataFrame
    image_set: ImageSet
    sources: Mapping[str, Any]
    name = "sugar_crepe"
    version = 1
    unit = "image"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return the pairs with both similarities and whether the caption's is higher."""
        table, images = self.pairs.copy(), list(self.pairs["unit"])
        for column in KEYS[1:]:
            found = space.caption_image_similarities(embeddings, list(table[column]), images)
            table[f"similarity_{column}"] = found
        right = table["similarity_caption"] > table["similarity_negative_caption"]
        return table.assign(right=right)

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return ``accuracy`` and ``accuracy_{file}``."""
        unit, names = pd.factorize(table["unit"], sort=True)
        right = table["right"].to_numpy(float)
        rows = [np.flatnonzero(table["file"] == file) for file in FILES]

        def of_file(counts: np.ndarray, file: np.ndarray) -> np.ndarray:
            return mean(right[file], counts[:, unit[file]])

        def of_all(counts: np.ndarray) -> np.ndarray:
            return np.mean([of_file(counts, file) for file in rows], axis=0)

        values: dict[str, Values] = {"accuracy": Statistic(of_all, len(names))}
        for name in FILES:
            values[f"accuracy_{name}"] = np.where(table["file"] == name, right, np.nan)
        return values

    def strings(self, items: Items) -> Iterable[str]:
        """Return all captions."""
        return [*self.pairs["caption"], *self.pairs["negative_caption"]]

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the files, their hashes and how many pairs each has."""
        return {**self.sources, "pairs": self.pairs["file"].value_counts(sort=False).to_dict()}


def sugar_crepe(files: str, images: str) -> SugarCrepe:
    """Return the task.

    Args:
        files: folder with the seven files ``replace_obj.json`` ... as published.
        images: folder or Parquet file of COCO's val2017 images.

    Raises:
        InputError: a file is missing or of another form.
    """
    paths = {name: Path(files, f"{name}.json") for name in FILES}
    rows = [(name, *row) for name, path in paths.items() for row in read_sugar_crepe(path)]
    pairs = pd.DataFrame(rows, columns=["file", "unit", *KEYS[1:]])
    image_set = ImageSet("sugar_crepe", images, tuple(dict.fromkeys(pairs["unit"])))
    pairs["unit"] = pairs["unit"].map(dict(zip(image_set.files, image_set.names, strict=True)))
    hashes = {name: sha256_file(path) for name, path in paths.items()}
    return SugarCrepe(pairs, image_set, {"files": files, "sha256": hashes})


def read_sugar_crepe(path: str | Path) -> list[tuple[str, str, str]]:
    """Return (image, caption, negative caption) of each entry of one file, without outer spaces.

    Raises:
        InputError: no such file, not JSON, or an entry without one of these texts, with an image in
            a folder or with two equal captions.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected one of SugarCrepe's seven") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: expected SugarCrepe's entries by their numbers")
    rows = []
    for key, entry in content.items():
        cells = [entry.get(name) if isinstance(entry, dict) else None for name in KEYS]
        texts = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
        if len(texts) < len(KEYS):
            raise InputError(f"{path}, entry {key}: expected the texts {', '.join(KEYS)}")
        image, caption, negative = texts
        if image != Path(image).name:
            raise InputError(f"{path}, entry {key}: found {image[:60]!r}, expected a file name")
        if caption == negative:
            raise InputError(f"{path}, entry {key}: its two captions are equal, expected a change")
        rows.append((image, caption, negative))
    return rows
