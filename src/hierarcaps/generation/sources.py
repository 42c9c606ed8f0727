"""Where captions come from: drawn scenes, COCO, Conceptual Captions, any table.

Every reader returns a table with the columns ``caption`` (str) and ``image`` (file name or None);
``prepare_captions`` normalises and filters it and counts what was left out, and why.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.leakage import image_key
from hierarcaps.generation.text import SEPARATOR, normalise, text_key, words
from hierarcaps.runtime.errors import InputError

KINDS = ("scenes", "coco", "conceptual", "table")


def read_captions(
    path: str | Path,
    kind: str = "table",
    caption_column: str = "caption",
    image_column: str | None = None,
) -> pd.DataFrame:
    """Read captions as they are in the file.

    Args:
        path: the file.
        kind: ``scenes`` (parquet with ``name`` and lists in ``captions``), ``coco`` (annotations
            JSON), ``conceptual`` (TSV of caption and URL, no header) or ``table`` (CSV, TSV or
            parquet with a caption column).
        caption_column: the caption column of a ``table``.
        image_column: the image-name or URL column of a ``table``, if it has one.

    Returns:
        Table with columns ``caption`` and ``image``, in file order.

    Raises:
        InputError: unknown kind, missing or unreadable file, missing column or key.
    """
    path = Path(path)
    if kind not in KINDS:
        raise InputError(f"caption source kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such caption file")
    try:
        if kind == "scenes":
            return _read_scenes(path)
        if kind == "coco":
            return _read_coco(path)
        if kind == "conceptual":
            return _read_conceptual(path)
        return _read_table(path, caption_column, image_column)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as {kind} captions ({error})") from error


def _frame(captions: Iterable[Any], images: Iterable[Any]) -> pd.DataFrame:
    table = pd.DataFrame({"caption": list(captions), "image": list(images)}, dtype=object)
    return table.where(table.notna(), None)


def _read_scenes(path: Path) -> pd.DataFrame:
    scenes = pd.read_parquet(path, columns=["name", "captions"]).explode("captions")
    return _frame(scenes["captions"], scenes["name"])


def _read_coco(path: Path) -> pd.DataFrame:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, Mapping) or not {"images", "annotations"} <= set(content):
        raise InputError(f"{path}: expected a COCO captions file with keys images and annotations")
    names = {image["id"]: image["file_name"] for image in content["images"]}
    annotations = content["annotations"]
    missing = next((a["image_id"] for a in annotations if a["image_id"] not in names), None)
    if missing is not None:
        raise InputError(f"{path}: an annotation names image {missing}, which is not in images")
    return _frame((a["caption"] for a in annotations), (names[a["image_id"]] for a in annotations))


def _read_conceptual(path: Path) -> pd.DataFrame:
    # Quotes are plain text in this file, and a caption holds no tab.
    table = pd.read_csv(
        path, sep="\t", header=None, names=["caption", "image"], quoting=3, dtype=str,
        keep_default_na=False, on_bad_lines="error",
    )  # fmt: skip
    return _frame(table["caption"], table["image"].map(lambda url: url or None))


def _read_table(path: Path, caption_column: str, image_column: str | None) -> pd.DataFrame:
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        separator = "\t" if ".tsv" in path.suffixes else ","
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    for column in (caption_column, image_column):
        if column is not None and column not in table:
            found = ", ".join(map(str, table.columns))
            raise InputError(f"{path}: no column {column!r}; found {found}")
    images = table[image_column] if image_column is not None else [None] * len(table)
    return _frame(table[caption_column], images)


def prepare_captions(
    table: pd.DataFrame,
    excluded_images: Iterable[str] = (),
    *,
    min_words: int = 1,
    max_words: int = 60,
    max_characters: int = 300,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Normalise captions, and leave out test images, unusable captions and duplicates.

    Duplicates are captions equal up to case, spacing and final punctuation; the first one stays.

    Args:
        table: columns ``caption`` and ``image``.
        excluded_images: names of test images; compared by ``image_key``.
        min_words: captions with fewer words have no three more general tiers.
        max_words: longest caption in words.
        max_characters: longest caption in characters.

    Returns:
        The kept rows (index 0..), and how many rows ``entered``, were ``kept``, and were left out
        for each reason.
    """
    excluded = {image_key(name) for name in excluded_images}
    counts = dict.fromkeys(
        ("entered", "test_image", "empty", "separator", "too_short", "too_long", "duplicate"), 0
    )
    counts["entered"] = len(table)
    seen: set[str] = set()
    kept = []
    for caption, image in zip(table["caption"], table["image"], strict=True):
        reason, text = None, ""
        if image is not None and image_key(image) in excluded:
            reason = "test_image"
        elif not isinstance(caption, str):
            reason = "empty"
        elif len(caption) > 10 * max_characters:
            reason = "too_long"  # before normalising: a megabyte of text costs nothing
        else:
            text = normalise(caption)
            reason = _unusable(text, min_words, max_words, max_characters)
            if reason is None and text_key(text) in seen:
                reason = "duplicate"
        if reason is not None:
            counts[reason] += 1
            continue
        seen.add(text_key(text))
        kept.append((text, image))
    counts["kept"] = len(kept)
    return pd.DataFrame(kept, columns=["caption", "image"], dtype=object), counts


def _unusable(text: str, min_words: int, max_words: int, max_characters: int) -> str | None:
    count = len(words(text))
    if count == 0:
        return "empty"
    if SEPARATOR in text:
        return "separator"
    if count < min_words:
        return "too_short"
    if count > max_words or len(text) > max_characters:
        return "too_long"
    return None


def sample_covering(captions: list[str], size: int, seed: int) -> list[int]:
    """Choose captions so that rare words are covered about as well as common ones.

    A plain sample leaves rare concepts out, and a hierarchy model is blind to words that it never
    saw. Here each step takes the word covered least so far (first come, in a seeded order) and a
    random caption that contains it.

    Args:
        captions: normalised captions.
        size: how many to choose; all of them where there are fewer.
        seed: of the random order.

    Returns:
        Distinct indices into ``captions``, in the order chosen.
    """
    generator = np.random.default_rng(seed)
    bags = [sorted(set(words(caption))) for caption in captions]
    holders: dict[str, list[int]] = {}
    for index in generator.permutation(len(captions)):
        for word in bags[index]:
            holders.setdefault(word, []).append(int(index))
    covered = dict.fromkeys(holders, 0)
    chosen: dict[int, None] = {}
    while len(chosen) < min(size, len(captions)) and covered:
        word = min(covered, key=covered.__getitem__)
        queue = holders[word]
        while queue and queue[-1] in chosen:
            queue.pop()
        if not queue:
            del covered[word]
            continue
        index = queue.pop()
        chosen[index] = None
        for other in bags[index]:
            if other in covered:
                covered[other] += 1
    return list(chosen)
