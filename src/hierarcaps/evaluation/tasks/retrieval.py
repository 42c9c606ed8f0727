"""Standard retrieval between images and captions, one caption an image or several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.captions import captions_by_image, read_coco
from hierarcaps.data.image_sets import ImageSet
from hierarcaps.data.tables import read_table
from hierarcaps.evaluation.tasks.protocol import (
    Items,
    TestSetTask,
    distinct_images,
    images_of,
)
from hierarcaps.geometry.spaces import similarity_matrix
from hierarcaps.metrics.hierarchy import recall_at, retrieval_ranks
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.files import sha256_file

CUTOFFS = (1, 5, 10)


class Retrieval(TestSetTask):
    """Standard retrieval between images and their most specific captions, both ways.

    An image finds the best of the captions of all its items.
    """

    name = "retrieval"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item the ranks (from 1) of its image and of its caption."""
        images = distinct_images(items)
        # In a fixed order: ties count alike whatever the order of the items.
        captions = [sorted(tiers[-1]) for tiers in images.gold]
        ranks = _rank_table(embeddings, images.names, captions)
        own = pd.DataFrame({"unit": images_of(items), "caption": [i.tiers[-1] for i in items]})
        table = own.merge(ranks, how="left", on=["unit", "caption"])
        table.insert(0, "item_id", [item.item_id for item in items])
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the hits of R@1, R@5 and R@10 both ways; a shared caption counts once."""
        return _hits(table)


@dataclass(frozen=True)
class CaptionRetrieval:
    """Standard retrieval on images with several captions each, such as COCO or Flickr8k.

    An image finds the best of its captions, a caption its image; a caption that several images
    share is asked for once and finds the best of them.
    """

    name: str
    image_set: ImageSet
    captions: tuple[tuple[str, ...], ...]
    sources: Mapping[str, Any]
    version = 2
    unit = "image"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per image and caption both ranks, from 1; that of the image is repeated."""
        return _rank_table(embeddings, self.image_set.names, self.captions)

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the hits of R@1, R@5 and R@10 both ways."""
        return _hits(table)

    def strings(self, items: Items) -> Iterable[str]:
        """Return all captions."""
        return (caption for captions in self.captions for caption in captions)

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the source of the captions and its hash."""
        return self.sources


def caption_retrieval(dataset: str, captions: str, images: str) -> CaptionRetrieval:
    """Return the task of a data set of images and captions.

    Args:
        dataset: its name; the task is ``retrieval_{dataset}``.
        captions: a file as ``read_captions`` reads it; images are file names.
        images: folder or Parquet file of the images; those without a caption take no part.

    Raises:
        InputError: unreadable table, missing column, empty caption.
    """
    by_image = read_captions(captions)
    image_set = ImageSet(dataset, images, tuple(by_image))
    sources = {"captions": captions, "sha256": sha256_file(captions)}
    texts = tuple(tuple(each) for each in by_image.values())
    return CaptionRetrieval(f"retrieval_{dataset}", image_set, texts, sources)


def read_captions(path: str | Path) -> dict[str, list[str]]:
    """Return the captions of each image, in the order of the file, without outer spaces.

    Args:
        path: CSV or TSV file with the columns ``image`` and ``caption``, or COCO's caption
            annotations (``.json``).

    Raises:
        InputError: unreadable, of another form, or a row without an image or a caption.
    """
    if Path(path).suffix == ".json":
        table = read_coco(path)
    else:
        table = read_table(path, ("image", "caption"), what="table of captions")
    return captions_by_image(table)


def _rank_table(
    embeddings: Embeddings, names: Sequence[str], captions: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """Rows (unit, caption, image_to_text_rank, text_to_image_rank); the unit is the image."""
    strings = list(dict.fromkeys(caption for each in captions for caption in each))
    texts = embeddings.texts[embeddings.text_rows(strings)]
    images = embeddings.images[embeddings.image_rows(names)]
    similarity = similarity_matrix(embeddings.geometry, images, texts)
    of_image, of_text = retrieval_ranks(similarity, strings, captions)
    rank_of_text = dict(zip(strings, of_text, strict=True))
    rows = [
        (name, caption, rank, rank_of_text[caption])
        for name, each, rank in zip(names, captions, of_image, strict=True)
        for caption in each
    ]
    columns = ["unit", "caption", "image_to_text_rank", "text_to_image_rank"]
    return pd.DataFrame(rows, columns=columns)


def _hits(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Hits over the rows; an image and a caption count at their first row, NaN at the others."""
    values = {}
    for direction, asked in (("image_to_text", "unit"), ("text_to_image", "caption")):
        first = ~table[asked].duplicated()
        for k in CUTOFFS:
            hits = recall_at(table[f"{direction}_rank"].to_numpy(), k)
            values[f"{direction}_r{k}"] = np.where(first, hits, np.nan)
    return values
