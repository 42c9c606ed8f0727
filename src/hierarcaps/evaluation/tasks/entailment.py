"""Entailment as a ranking: do pairs of which one text continues the other come first?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS, CaptionHierarchy
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, Radius, Values, unit_of
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.metrics.ranking import (
    UnitLevels,
    auroc_of_weights,
    average_precision_of_weights,
)
from hierarcaps.models.embeddings import Embeddings

# A constant: every model is asked about the same pairs.
SEED = 0
TRIES = 50
# Column: (suffix of its metrics, whether small values mean entailment).
SCORES = {"angle": ("", True), "cosine": ("_cosine", False), "radius_rise": ("_radius", False)}


@dataclass(frozen=True)
class Entailment:
    """Area under the ROC curve and average precision of the exterior angle on pairs of texts.

    Positive pairs are (tier i, tier i+1) of an item, i = 1..3: the second entails the first. The
    score is ``-Xi_r(first, second)``. Each kind of negative pair is a ranking of its own, with as
    many negatives as positives (chance is .5 for both metrics):

    * ``other``: (tier i, tier i+1 of another item), drawn once for all models. Not drawn are items
      whose chain shares the text of tier i or tier i+1; where ``entails`` is given (the drawn
      world's logic), no pair that it calls entailed. Without it some negatives may be entailed.
    * ``reversed``: (tier i+1, tier i). Only a measure with a direction can tell these.
    * ``contradicting``: (tier i, negative i), where the items have negatives.

    Beside the angle two simpler scores: the cosine of the two texts (it knows no direction) and the
    rise of the radius from the first to the second (it knows nothing of the content; caption length
    put in place of the radius is the trivial baseline). Intervals are over images: the pairs of all
    items of an image are drawn together.
    """

    entails: Callable[[str, str], bool] | None = None
    name = "entailment"
    version = 2
    unit = "image"
    image_set = None

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return a row per pair: item_id, unit, tier (1..3), kind, parent, child, radius_rise."""
        columns = ["item_id", "unit", "tier", "kind", "parent", "child"]
        table = pd.DataFrame(_pairs(items, self.entails), columns=columns)
        table["radius_rise"] = radius(list(table["child"])) - radius(list(table["parent"]))
        return table

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return also angle (radians) and cosine."""
        table = self.items_of_radius(items, lambda texts: space.radii(embeddings, texts))
        measures = space.pair_measures(embeddings, list(table["parent"]), list(table["child"]))
        return table.assign(**measures)

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return ``auroc_{kind}`` and ``average_precision_{kind}``, per score."""
        values: dict[str, Values] = {}
        for kind in ("other", "reversed", "contradicting"):
            rows = table[table["kind"].isin(["entailed", kind])]
            if not (rows["kind"] == kind).any():
                continue
            for column, (suffix, small) in SCORES.items():
                if column not in rows or (kind == "reversed" and column == "cosine"):
                    continue
                scores = -rows[column] if small else rows[column]
                ranked = scores.to_numpy(float)
                values[f"auroc_{kind}{suffix}"] = of_pairs(
                    auroc_of_weights, rows, "entailed", ranked
                )
                if column == "angle":
                    values[f"average_precision_{kind}"] = of_pairs(
                        average_precision_of_weights, rows, "entailed", ranked
                    )
        return values

    def strings(self, items: Items) -> Iterable[str]:
        """Return the negatives of the items that have some."""
        return (text for item in items for text in item.negatives or ())

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return how many pairs of each kind there are."""
        kinds = [pair[3] for pair in _pairs(items, self.entails)]
        return {
            "pairs": {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
            "negatives_checked_by_logic": self.entails is not None,
        }


def of_pairs(
    metric: Callable[..., np.ndarray], rows: pd.DataFrame, positive_kind: str, scores: np.ndarray
) -> Values:
    """Return a metric of ranked pairs, whose interval is over units.

    Args:
        metric: of the weights of scores, in :mod:`hierarcaps.metrics.ranking`.
        rows: of the pairs, with ``unit`` and ``kind``.
        positive_kind: the kind of those that should rank above the others.
        scores: one per row.
    """
    unit, names = pd.factorize(rows["unit"], sort=True)
    ranked = UnitLevels(scores, rows["kind"] == positive_kind, unit)
    return Statistic(lambda counts: metric(*ranked.weights(counts)), len(names))


def _pairs(
    items: Items, entails: Callable[[str, str], bool] | None
) -> list[tuple[str, str, int, str, str, str]]:
    rng = np.random.default_rng(SEED)
    pairs = []
    for item in items:
        for tier in range(TIERS - 1):
            general, specific = item.tiers[tier], item.tiers[tier + 1]
            found = [("entailed", general, specific), ("reversed", specific, general)]
            other = _continuation_of_another(items, item, tier, entails, rng)
            if other is not None:
                found.append(("other", general, other))
            if item.negatives:
                found.append(("contradicting", general, item.negatives[tier]))
            pairs += [(item.item_id, unit_of(item), tier + 1, *each) for each in found]
    return pairs


def _continuation_of_another(
    items: Items,
    item: CaptionHierarchy,
    tier: int,
    entails: Callable[[str, str], bool] | None,
    rng: np.random.Generator,
) -> str | None:
    """Draw another item's tier i+1; None where none was found that is not entailed."""
    own = {_plain(text) for text in item.tiers}
    general = item.tiers[tier]
    for index in rng.integers(len(items), size=TRIES):
        chain = items[index].tiers
        text = chain[tier + 1]
        if _plain(text) in own or _plain(general) in map(_plain, chain):
            continue
        if entails is None or not entails(text, general):
            return text
    return None


def _plain(text: str) -> str:
    return text.strip().casefold()
