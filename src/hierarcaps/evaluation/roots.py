"""Does the entailment root matter? The same embeddings seen from other roots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hierarcaps import metrics
from hierarcaps.embeddings import Embeddings
from hierarcaps.evaluation import space
from hierarcaps.evaluation.hierarchical import candidates, retrieve
from hierarcaps.evaluation.protocol import Items, TestSetTask, images_of
from hierarcaps.hierarchy import TIERS

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
        """Return per item and root: tau of the tiers' radii, precision and recall."""
        strings = candidates(items)
        place = {text: row for row, text in enumerate(strings)}
        tiers = np.array([[place[tier] for tier in item.tiers] for item in items])
        gold = [item.tiers for item in items]
        table = pd.DataFrame({"item_id": [item.item_id for item in items]})
        for root in ROOTS:
            radii = radii_from(embeddings, strings, root)
            found = retrieve(embeddings, images_of(items), strings, radii, self.thresholds)
            precision, recall = metrics.precision_recall(found, strings, gold)
            table[f"tau_d_{root}"] = metrics.kendall_tau(radii[tiers].reshape(-1, TIERS))
            table[f"precision_{root}"], table[f"recall_{root}"] = precision, recall
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the columns as they are."""
        return {name: table[name].to_numpy() for name in table.columns[1:]}


def radii_from(embeddings: Embeddings, texts: list[str], root: str) -> np.ndarray:
    """Return the distance of C texts to one of ``ROOTS``, ``(C,)``."""
    if root == "origin":
        # Exactly, not up to the rounding of norms, which would be taken for an order.
        return np.ones(len(texts))
    if root == "mean":
        mean = embeddings.texts[embeddings.text_rows(texts)].astype(np.float64).mean(axis=0)
        norm = np.linalg.norm(mean)
        embeddings = replace(embeddings, root=(mean / norm if norm else mean).astype(np.float32))
    return space.radii(embeddings, texts)
