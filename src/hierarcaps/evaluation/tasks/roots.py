"""Does the entailment root matter? The same embeddings seen from other roots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import candidates, retrieve
from hierarcaps.evaluation.tasks.protocol import (
    Items,
    TestSetTask,
    distinct_images,
    item_columns,
    once_per_unit,
)
from hierarcaps.geometry.spaces import Sphere
from hierarcaps.metrics.hierarchy import kendall_tau, precision_recall
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.models.roots import find_root

ROOTS = ("empty", "mean", "origin")


@dataclass(frozen=True)
class RootAblation(TestSetTask):
    """Order of the tiers and hierarchical retrieval with another point as the root.

    * ``empty``: the text embedding of the empty string, the root of every other task.
    * ``mean``: the normalised mean of the distinct texts of all tiers.
    * ``origin``: the centre of the sphere. All unit vectors are equally far from it, so there is
      no order, and retrieval finds the single most similar text: what is left without a radius.
    """

    thresholds: int
    name = "root_ablation"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item and root: tau of its tiers' radii, its image's precision and recall."""
        strings, images = candidates(items), distinct_images(items)
        place = {text: row for row, text in enumerate(strings)}
        tiers = np.array([[place[tier] for tier in item.tiers] for item in items])
        table = item_columns(items)
        for root in ROOTS:
            radii = radii_from(embeddings, strings, root)
            columns = [f"{metric}_{root}" for metric in ("tau_d", "precision", "recall")]
            if np.isnan(radii).all():
                table[columns] = np.nan
                continue
            found = retrieve(embeddings, images.names, strings, radii, self.thresholds)
            of_images = precision_recall(found, strings, images.gold)
            tau = kendall_tau(radii[tiers].reshape(-1, TIERS))
            of_items = [values[images.row_of_item] for values in of_images]
            table[columns] = np.column_stack([tau, *of_items])
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the columns as they are; an image counts once in precision and recall."""
        return {
            name: table[name].to_numpy()
            if name.startswith("tau_d")
            else once_per_unit(table, table[name].to_numpy())
            for name in table.columns[2:]
        }


def radii_from(embeddings: Embeddings, texts: list[str], root: str) -> np.ndarray:
    """Return the distance of C texts to one of ``ROOTS``, ``(C,)``.

    NaN where the embeddings are not measured from the empty string: a hyperboloid has one root,
    and a model that was aligned with another root is of that one.
    """
    if embeddings.geometry != Sphere():
        return np.full(len(texts), np.nan)
    vectors = embeddings.texts[embeddings.text_rows(texts)]
    geometry, vector = find_root(root, embeddings.geometry, embeddings.root, vectors)
    return space.radii(replace(embeddings, geometry=geometry, root=vector), texts)
