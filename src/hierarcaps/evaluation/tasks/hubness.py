"""Hubs among the candidates: texts that images retrieve whatever they show, and what they cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import PoolTask, candidates, retrieve
from hierarcaps.evaluation.tasks.protocol import (
    Items,
    TestSetTask,
    Values,
    columns_once,
    distinct_images,
    half_of_units,
    item_columns,
    once_per_unit,
)
from hierarcaps.geometry.spaces import Sphere
from hierarcaps.metrics.hierarchy import precision_recall
from hierarcaps.metrics.hubness import (
    incidence,
    largest_share,
    neighbourhood_density,
    skewness,
    without_empty_columns,
    worst,
)
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.models.embeddings import Embeddings

WORST = 10
"""Texts retrieved wrongly by most images, of which is said what they cost."""
NEIGHBOURS = 10
"""Of cross-domain local scaling, as its authors have it."""


class Hubness(PoolTask):
    """How many images retrieve the same texts in hierarchical retrieval, and what does it cost?

    At the first threshold only the candidate nearest to the root is within reach, so that every
    image retrieves it: it is a hub by definition. Others are hubs of the model's making. Precision
    is told without either: without the text of the first threshold, and without the ten texts
    that most images retrieve wrongly. Those ten are found on one half of the images and left out
    for the other, both ways: left out where they were found, even chance would gain. An image that
    is left without a text has precision 0.
    """

    kind = "hubness"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item what its image retrieved, which of it is right, and its precisions.

        ``retrieved`` are indexes among the ``candidates`` texts, sorted by code points;
        ``wrong`` are those that are right in no tier, ``first`` is that of the first threshold.
        """
        strings, images = candidates(items, self.pool), distinct_images(items)
        radii = space.radii(embeddings, strings)
        found = retrieve(embeddings, images.names, strings, radii, self.thresholds)
        right = [set().union(*tiers) for tiers in images.gold]
        wrong = [
            np.array([index for index in indexes if strings[index] not in texts], dtype=np.intp)
            for indexes, texts in zip(found, right, strict=True)
        ]
        of_images = pd.DataFrame(
            {
                "retrieved": found,
                "wrong": wrong,
                "first": [indexes[0] for indexes in found],
                "candidates": len(strings),
                "precision": _precision(found, wrong, [()] * len(found)),
                "precision_without_first": _precision(found, wrong, [each[:1] for each in found]),
                "precision_without_worst": _precision(
                    found, wrong, _worst_of_other_half(images.names, wrong, len(strings))
                ),
            }
        )
        rows = of_images.iloc[images.row_of_item].reset_index(drop=True)
        return pd.concat([item_columns(items), rows], axis=1)

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return how uneven retrieval is, precision without hubs, and how much they cost of it.

        ``most_retrieved`` is the share of images that retrieve the text which most retrieve,
        ``most_retrieved_wrongly`` and ``most_wrongly_after_first`` the same of texts that are
        wrong for the image, and besides not of the first threshold.
        """
        # In a fixed order: what is drawn is the same whatever the order of the items.
        images = table[~table["unit"].duplicated()].sort_values("unit")
        texts = int(table["candidates"].iloc[0])
        after_first = [
            indexes[indexes != first]
            for indexes, first in zip(images["wrong"], images["first"], strict=True)
        ]
        # Of many candidates most are never retrieved.
        retrieved, wrong, wrong_after_first = (
            without_empty_columns(incidence(list(chains), texts))
            for chains in (images["retrieved"], images["wrong"], after_first)
        )
        of_sample: dict[str, Values] = {
            name: Statistic(partial(largest_share, matrix), len(images))
            for name, matrix in (
                ("most_retrieved", retrieved),
                ("most_retrieved_wrongly", wrong),
                ("most_wrongly_after_first", wrong_after_first),
            )
        }
        # Images drawn twice even the texts out, so that resampled skewness lies below that of the
        # sample: its interval is the jackknife's, each image being a pair with itself.
        alone = np.repeat(np.arange(len(images))[:, None], 2, axis=1)
        uneven = partial(skewness, retrieved, candidates=texts)
        of_sample["skewness"] = Statistic(uneven, len(images), alone)
        without = ("precision_without_first", "precision_without_worst")
        precision = table["precision"].to_numpy()
        return of_sample | {
            **{name: once_per_unit(table, table[name].to_numpy()) for name in without},
            "lost_to_first": once_per_unit(table, table[without[0]].to_numpy() - precision),
            "lost_to_worst": once_per_unit(table, table[without[1]].to_numpy() - precision),
        }


@dataclass(frozen=True)
class HubCorrections(TestSetTask):
    """Hierarchical retrieval after two known corrections of hubs: never the paper's metric.

    Both need the images of the whole test set at once, which a single query does not have. Radii
    stay the model's own.

    * ``scaled``: cross-domain local scaling (``metrics.hubness.neighbourhood_density``).
    * ``centred``: images and texts less the mean of their own, on the sphere alone.
    """

    thresholds: int
    name = "hub_corrections"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item the precision and recall of its image under each correction."""
        strings, images = candidates(items), distinct_images(items)
        radii = space.radii(embeddings, strings)
        table = item_columns(items)

        def measure(name: str, found: list[np.ndarray]) -> None:
            of_images = precision_recall(found, strings, images.gold)
            for metric, values in zip(("precision", "recall"), of_images, strict=True):
                table[f"{metric}_{name}"] = values[images.row_of_item]

        density = _density(embeddings, images.names, strings)
        found = retrieve(embeddings, images.names, strings, radii, self.thresholds, density / 2)
        measure("scaled", found)
        if embeddings.geometry == Sphere():
            centred = _centred(embeddings, images.names, strings)
            measure("centred", retrieve(centred, images.names, strings, radii, self.thresholds))
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the columns as they are, an image counting once."""
        return columns_once(table)


def _precision(
    found: Sequence[np.ndarray], wrong: Sequence[np.ndarray], without: Sequence[Iterable[int]]
) -> np.ndarray:
    """Return per image the share of right texts among those left, 0 where none is left."""
    shares = np.zeros(len(found))
    for row, (indexes, of_them, left_out) in enumerate(zip(found, wrong, without, strict=True)):
        left = set(indexes.tolist()).difference(left_out)
        if left:
            shares[row] = len(left.difference(of_them.tolist())) / len(left)
    return shares


def _worst_of_other_half(
    images: Sequence[str], wrong: Sequence[np.ndarray], texts: int
) -> list[list[int]]:
    """Return per image the texts that most images of the half it is not in retrieve wrongly."""
    half = half_of_units(pd.Series(images))
    matrix = incidence(wrong, texts)
    of_half = {side: worst(matrix[half == side], WORST).tolist() for side in (True, False)}
    return [of_half[not side] for side in half.tolist()]


def _density(embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]) -> np.ndarray:
    """Return the mean similarity of each text to its nearest images, ``(C,)``."""
    nearest = np.empty((0, len(texts)), dtype=np.float32)
    for chunk in space.image_text_similarities(embeddings, images, texts):
        known = np.concatenate([nearest, chunk])
        kept = min(NEIGHBOURS, len(known))
        nearest = np.partition(known, len(known) - kept, axis=0)[len(known) - kept :]
    return neighbourhood_density(nearest)


def _centred(embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]) -> Embeddings:
    """Return the embeddings of these images and texts less the mean of each, at length 1."""
    of_images = embeddings.images[embeddings.image_rows(images)]
    of_texts = embeddings.texts[embeddings.text_rows(texts)]
    return replace(
        embeddings,
        images=_unit(of_images - of_images.mean(axis=0)),
        texts=_unit(of_texts - of_texts.mean(axis=0)),
        names=tuple(images),
        strings=tuple(texts),
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
