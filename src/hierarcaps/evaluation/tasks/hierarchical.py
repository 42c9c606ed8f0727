"""Hierarchical image-to-text retrieval: by rising radius, and on the way to the root."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS, read_hierarchies
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import (
    DistinctImages,
    Items,
    TestSetTask,
    columns_once,
    distinct_images,
    item_columns,
    once_per_unit,
)
from hierarcaps.metrics.chains import ordered_recall
from hierarcaps.metrics.hierarchy import (
    precision_recall,
    retrieve_by_blocks,
    within_thresholds,
)
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.files import sha256_file

# A constant: every model's radii are shuffled alike.
SEED = 0


@dataclass(frozen=True)
class Pool:
    """Candidate texts beside those of the test set, which make retrieval harder.

    Attributes:
        name: as the parameters call it.
        texts: distinct, sorted.
        sources: provenance.
    """

    name: str
    texts: tuple[str, ...]
    sources: Mapping[str, Any]


@dataclass(frozen=True)
class PoolTask(TestSetTask):
    """Base of tasks of hierarchical retrieval whose candidates may be of a wider pool, too."""

    kind: ClassVar[str]
    thresholds: int
    pool: Pool | None = None

    @property
    def name(self) -> str:
        """Name of the task; of a wider pool, with the pool's."""
        return f"{self.kind}_{self.pool.name}" if self.pool else self.kind

    def strings(self, items: Items) -> Iterable[str]:
        """Return the texts of the pool."""
        return self.pool.texts if self.pool else ()

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the source of the pool."""
        return self.pool.sources if self.pool else {}


class HierarchicalRetrieval(PoolTask):
    """Which texts does an image retrieve from general to specific? Precision and recall.

    As in the reference evaluator an image counts once, however many chains it has: the texts of all
    of them are right, and tier t is hit where the tier-t text of any of them was retrieved. The
    candidates are the distinct texts of all tiers of all items, in the order of code points; of a
    wider pool (``evaluation.candidates``) its texts besides, which are right for no image that does
    not have them. Ties of similarity go to the smaller radius, then to the first candidate.
    """

    kind = "hierarchical_retrieval"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item what its image retrieved at which radius, and what that is worth."""
        strings, images = candidates(items, self.pool), distinct_images(items)
        radii = space.radii(embeddings, strings)
        retrieved = retrieve(embeddings, images.names, strings, radii, self.thresholds)
        return _chain_table(items, images, strings, radii, retrieved)

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return precision, recall, order-aware recall, and the recall of each tier."""
        return _chain_values(table)


@dataclass(frozen=True)
class RadiusControls(TestSetTask):
    """Hierarchical retrieval with the model's similarities, but a radius that is not the model's.

    What a model's radius adds to precision and recall is what they exceed these by: with caption
    length in words or characters as the radius, and with the model's own radii shuffled among the
    texts.
    """

    thresholds: int
    name = "radius_controls"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item precision, recall and order-aware recall under each control."""
        strings, images = candidates(items), distinct_images(items)
        shuffled = np.random.default_rng(SEED).permutation(space.radii(embeddings, strings))
        radii = {
            "words": np.array([len(text.split()) for text in strings], dtype=float),
            "characters": np.array([len(text) for text in strings], dtype=float),
            "shuffled": shuffled,
        }
        table = item_columns(items)
        for name, radius in radii.items():
            found = retrieve(embeddings, images.names, strings, radius, self.thresholds)
            chains = _chain_table(items, images, strings, radius, found)
            for metric in ("precision", "recall", "ordered_recall"):
                table[f"{metric}_{name}"] = chains[metric]
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the columns as they are, an image counting once."""
        return columns_once(table)


class Traversal(TestSetTask):
    """Which texts are met on the straight way from an image to the root?

    The traversal of MERU (Desai et al., 2023) on the same candidates, without steps, and in every
    geometry by similarity alone (no filter by entailment cones): it uses no radius, hence tells
    what thresholds on the radius add. Where an image is nearer to the root
    than to every text, as the gap between the modalities may have it, nothing is met.
    """

    name = "traversal"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item the texts met, the last one first: general to specific."""
        strings, images = candidates(items), distinct_images(items)
        met = [path[::-1] for path in ways_to_root(embeddings, images.names, strings)]
        return _chain_table(items, images, strings, space.radii(embeddings, strings), met)

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the metrics of hierarchical retrieval and the number of texts met."""
        met = table["retrieved"].str.len().to_numpy(float)
        return {**_chain_values(table), "texts_met": once_per_unit(table, met)}


def retrieve(
    embeddings: Embeddings,
    images: Sequence[str],
    texts: Sequence[str],
    radii: np.ndarray,
    thresholds: int,
    penalties: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Return per image the indexes of the texts it retrieves, general to specific.

    ``penalties`` (C,), if any, are subtracted from the similarities of each text, and are the same
    for texts of equal embeddings.

    Texts come in the order of their radii, a block at a time for all images: each embedding is read
    once, and no more of them is in memory. Of texts with equal embeddings only that of the smallest
    radius can be retrieved, and the others are left out.
    """
    order = np.argsort(radii, kind="stable")
    rows = embeddings.text_rows(texts)[order]
    first = np.sort(np.unique(rows, return_index=True)[1])
    # Of all radii: a text that is left out may have the largest.
    within = np.searchsorted(first, within_thresholds(radii[order], thresholds))
    order, rows = order[first], rows[first]

    def blocks() -> Iterator[np.ndarray]:
        done = 0
        for block in space.similarities_by_text(embeddings, images, rows):
            part = order[done : done + block.shape[1]]
            done += len(part)
            yield block if penalties is None else block - penalties[part]

    return [order[each] for each in retrieve_by_blocks(blocks(), within)]


def ways_to_root(
    embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]
) -> list[np.ndarray]:
    """Return per image the indexes of the texts met on its way to the root, specific first.

    Of texts with equal embeddings the first is met.
    """
    rows = embeddings.text_rows(texts)
    first = np.sort(np.unique(rows, return_index=True)[1])
    candidates = embeddings.texts[rows[first]]
    vectors = embeddings.images[embeddings.image_rows(images)]
    paths: list[np.ndarray] = []
    for chunk in space.image_text_similarities(embeddings, images, [texts[i] for i in first]):
        of_chunk = vectors[len(paths) : len(paths) + len(chunk)]
        paths += embeddings.geometry.ways_to_root(of_chunk, candidates, embeddings.root, chunk)
    return [first[path] for path in paths]


def candidates(items: Items, pool: Pool | None = None) -> list[str]:
    """Return the distinct texts of all tiers, and of the pool, sorted."""
    return sorted({tier for item in items for tier in item.tiers}.union(pool.texts if pool else ()))


def read_pool(name: str, path: str) -> Pool:
    """Return the pool of the texts of all tiers of a table of hierarchies.

    Raises:
        InputError: unreadable, or of another form.
    """
    texts = {tier for item in read_hierarchies(path) for tier in item.tiers}
    sources = {"candidates": path, "sha256": sha256_file(path)}
    return Pool(name, tuple(sorted(texts)), sources)


def _chain_table(
    items: Items,
    images: DistinctImages,
    strings: Sequence[str],
    radii: np.ndarray,
    chains: Sequence[np.ndarray],
) -> pd.DataFrame:
    """Rows of items: what was retrieved for the image, and how right that is for the image.

    ``hit_t`` says whether the image retrieved a tier-t text of any of its items; ``gold`` are the
    item's own tiers.
    """
    found = [[strings[index] for index in indexes] for indexes in chains]
    # Where nothing at all was found, both are 0.
    precision, recall = np.zeros(len(chains)), np.zeros(len(chains))
    rows = [row for row, indexes in enumerate(chains) if len(indexes)]
    precision[rows], recall[rows] = precision_recall(
        [chains[row] for row in rows], strings, [images.gold[row] for row in rows]
    )
    hits = np.array(
        [
            [not tier.isdisjoint(texts) for tier in tiers]
            for texts, tiers in zip(found, images.gold, strict=True)
        ]
    )
    of_images = pd.DataFrame(
        {
            "image": images.names,
            "precision": precision,
            "recall": recall,
            "ordered_recall": ordered_recall(found, images.gold),
            **{f"hit_{tier + 1}": hits[:, tier] for tier in range(TIERS)},
            "retrieved": found,
            "retrieved_radii": [radii[indexes] for indexes in chains],
        }
    )
    of_items = of_images.iloc[images.row_of_item].reset_index(drop=True)
    gold = pd.Series([list(item.tiers) for item in items], name="gold")
    return pd.concat([item_columns(items), of_items, gold], axis=1)


def _chain_values(table: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: name for name in ("precision", "recall", "ordered_recall")}
    columns |= {f"recall_tier_{tier + 1}": f"hit_{tier + 1}" for tier in range(TIERS)}
    return {name: once_per_unit(table, table[column]) for name, column in columns.items()}
