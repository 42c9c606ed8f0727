"""Hierarchical image-to-text retrieval: by rising radius, and on the way to the root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, TestSetTask, images_of
from hierarcaps.metrics.chains import ordered_recall
from hierarcaps.metrics.hierarchy import hierarchical_retrieval, precision_recall
from hierarcaps.models.embeddings import Embeddings

# A constant: every model's radii are shuffled alike.
SEED = 0


@dataclass(frozen=True)
class HierarchicalRetrieval(TestSetTask):
    """Which texts does an image retrieve from general to specific? Precision and recall.

    The candidates are the distinct texts of all tiers of all items, in the order of code points.
    Ties of similarity go to the smaller radius, then to the first candidate.
    """

    thresholds: int
    name = "hierarchical_retrieval"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item what was retrieved at which radius, its gold tiers, precision, recall."""
        strings = candidates(items)
        radii = space.radii(embeddings, strings)
        retrieved = retrieve(embeddings, images_of(items), strings, radii, self.thresholds)
        return _chain_table(items, strings, radii, retrieved)

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
        strings = candidates(items)
        shuffled = np.random.default_rng(SEED).permutation(space.radii(embeddings, strings))
        radii = {
            "words": np.array([len(text.split()) for text in strings], dtype=float),
            "characters": np.array([len(text) for text in strings], dtype=float),
            "shuffled": shuffled,
        }
        table = pd.DataFrame({"item_id": [item.item_id for item in items]})
        for name, radius in radii.items():
            found = retrieve(embeddings, images_of(items), strings, radius, self.thresholds)
            chains = _chain_table(items, strings, radius, found)
            for metric in ("precision", "recall", "ordered_recall"):
                table[f"{metric}_{name}"] = chains[metric]
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the columns as they are."""
        return {name: table[name].to_numpy() for name in table.columns[1:]}


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
        strings = candidates(items)
        met = [path[::-1] for path in ways_to_root(embeddings, images_of(items), strings)]
        return _chain_table(items, strings, space.radii(embeddings, strings), met)

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the metrics of hierarchical retrieval and the number of texts met."""
        return {**_chain_values(table), "texts_met": table["retrieved"].str.len().to_numpy(float)}


def retrieve(
    embeddings: Embeddings,
    images: Sequence[str],
    texts: Sequence[str],
    radii: np.ndarray,
    thresholds: int,
) -> list[np.ndarray]:
    """Return per image the indexes of the texts it retrieves, general to specific.

    The texts are sorted by radius before their similarities are computed, and not the columns of
    each chunk of similarities after it: that would be most of the metric's time.
    """
    order = np.argsort(radii, kind="stable")
    by_radius = [texts[index] for index in order]
    return [
        order[indexes]
        for chunk in space.image_text_similarities(embeddings, images, by_radius)
        for indexes in hierarchical_retrieval(chunk, radii[order], thresholds)
    ]


def ways_to_root(
    embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]
) -> list[np.ndarray]:
    """Return per image the indexes of the texts met on its way to the root, specific first."""
    candidates = embeddings.texts[embeddings.text_rows(texts)]
    vectors = embeddings.images[embeddings.image_rows(images)]
    paths: list[np.ndarray] = []
    for chunk in space.image_text_similarities(embeddings, images, texts):
        of_chunk = vectors[len(paths) : len(paths) + len(chunk)]
        paths += embeddings.geometry.ways_to_root(of_chunk, candidates, embeddings.root, chunk)
    return paths


def candidates(items: Items) -> list[str]:
    """Return the distinct texts of all tiers, sorted."""
    return sorted({tier for item in items for tier in item.tiers})


def _chain_table(
    items: Items, strings: Sequence[str], radii: np.ndarray, chains: Sequence[np.ndarray]
) -> pd.DataFrame:
    gold = [item.tiers for item in items]
    found = [[strings[index] for index in indexes] for indexes in chains]
    # Where nothing at all was found, both are 0.
    precision, recall = np.zeros(len(items)), np.zeros(len(items))
    rows = [row for row, indexes in enumerate(chains) if len(indexes)]
    precision[rows], recall[rows] = precision_recall(
        [chains[row] for row in rows], strings, [gold[row] for row in rows]
    )
    return pd.DataFrame(
        {
            "item_id": [item.item_id for item in items],
            "image": images_of(items),
            "precision": precision,
            "recall": recall,
            "ordered_recall": ordered_recall(found, gold),
            "retrieved": found,
            "retrieved_radii": [radii[indexes] for indexes in chains],
            "gold": [list(tiers) for tiers in gold],
        }
    )


def _chain_values(table: pd.DataFrame) -> dict[str, np.ndarray]:
    hits = np.array(
        [
            [tier in texts for tier in gold]
            for texts, gold in zip(table["retrieved"], table["gold"], strict=True)
        ],
        dtype=float,
    )
    return {
        "precision": table["precision"].to_numpy(),
        "recall": table["recall"].to_numpy(),
        "ordered_recall": table["ordered_recall"].to_numpy(),
        **{f"recall_tier_{tier + 1}": hits[:, tier] for tier in range(TIERS)},
    }
