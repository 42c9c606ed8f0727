"""Where captions come from: drawn scenes, COCO, Conceptual Captions, any table.

Every reader returns a table with the columns ``caption`` (str) and ``image`` (file name or None);
``prepare_captions`` normalises and filters it and counts what was left out, and why.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.captions import read_caption_table, read_coco, read_conceptual
from hierarcaps.data.leakage import image_key
from hierarcaps.data.names import names_an_image
from hierarcaps.generation.text import SEPARATOR, normalise, text_key, words
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes.dataset import read_scenes

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
            JSON), ``conceptual`` (CC3M, also with labels, or CC12M, as published) or ``table``
            (CSV, TSV or parquet with a caption column).
        caption_column: the caption column of a ``table``.
        image_column: the image-name or URL column of a ``table``; by default the one with a usual
            name (``data.captions.IMAGE_COLUMNS``), if it has one.

    Returns:
        Table with columns ``caption`` and ``image``, in file order.

    Raises:
        InputError: unknown kind, missing or unreadable file, missing column or key, a row of
            another width than the first or with its columns shifted.
    """
    path = Path(path)
    if kind not in KINDS:
        raise InputError(f"caption source kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such caption file")
    if kind == "scenes":
        return _read_scenes(path)
    if kind == "coco":
        found = read_coco(path)
    elif kind == "conceptual":
        found = read_conceptual(path)
    else:
        found = read_caption_table(path, caption_column, image_column)
    return _frame(found.columns["caption"], found.columns["image"])


def _frame(captions: Iterable[Any], images: Iterable[Any]) -> pd.DataFrame:
    return pd.DataFrame({"caption": list(captions), "image": list(images)}, dtype=object)


def _read_scenes(path: Path) -> pd.DataFrame:
    scenes = read_scenes(path, ["name", "captions"]).explode("captions")
    return _frame(scenes["captions"], scenes["name"])


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
        for each reason (``address``: the caption is an address or a file name).
    """
    excluded = {image_key(name) for name in excluded_images}
    counts = dict.fromkeys(
        (
            "entered", "test_image", "empty", "separator", "address", "too_short", "too_long",
            "duplicate",
        ),
        0,
    )  # fmt: skip
    counts["entered"] = len(table)
    seen: set[str] = set()
    kept = []
    for caption, image in zip(table["caption"], table["image"], strict=True):
        reason, text, key = None, "", ""
        if image is not None and image_key(image) in excluded:
            reason = "test_image"
        elif not isinstance(caption, str):
            reason = "empty"
        elif len(caption) > 10 * max_characters:
            reason = "too_long"  # before normalising: a megabyte of text costs nothing
        else:
            text = normalise(caption)
            reason = _unusable(text, min_words, max_words, max_characters)
            key = text_key(text) if reason is None else ""
            if key in seen:
                reason = "duplicate"
        if reason is not None:
            counts[reason] += 1
            continue
        seen.add(key)
        kept.append((text, image))
    counts["kept"] = len(kept)
    return pd.DataFrame(kept, columns=["caption", "image"], dtype=object), counts


def _unusable(text: str, min_words: int, max_words: int, max_characters: int) -> str | None:
    count = len(words(text))
    if count == 0:
        return "empty"
    if SEPARATOR in text:
        return "separator"
    if names_an_image(text):
        return "address"
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
