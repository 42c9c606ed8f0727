"""Tests of specificity at equal length, where caption length is blind by construction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, Radius, Values
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.metrics.ranking import mean
from hierarcaps.models.embeddings import Embeddings


@dataclass(frozen=True)
class LengthMatched:
    """Does the general text of a pair with equally many words lie nearer to the root?

    Shares of right pairs, ties half, so that a constant radius, and length in words, score .5.
    ``..._not_longer`` keeps the pairs in which the specific text has no more characters either:
    there, length in characters scores .5 or less. Intervals are over concepts, whose pairs are
    drawn together.

    Attributes:
        pairs: columns ``concept``, ``general``, ``specific`` and ``coloured`` (bool).
    """

    pairs: pd.DataFrame
    name = "length_matched"
    version = 1
    unit = "concept"
    image_set = None

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return the pairs with both radii, lengths in characters and ``right`` (0, .5 or 1)."""
        table = self.pairs.assign(unit=self.pairs["concept"])
        for side in ("general", "specific"):
            table[f"radius_{side}"] = np.asarray(radius(list(table[side])), dtype=float)
            table[f"characters_{side}"] = table[side].str.len()
        rise = np.sign(table["radius_specific"] - table["radius_general"])
        table["right"] = (rise + 1) / 2
        return table

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return the same with the radii of a model."""
        return self.items_of_radius(items, lambda texts: space.radii(embeddings, texts))

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return the shares for plain and coloured pairs, all and those that are not longer."""
        not_longer = table["characters_specific"] <= table["characters_general"]
        values: dict[str, Values] = {}
        for name, rows in (("plain", ~table["coloured"]), ("coloured", table["coloured"])):
            values[name] = _share(table[rows])
            values[f"{name}_not_longer"] = _share(table[rows & not_longer])
        return values

    def strings(self, items: Items) -> Iterable[str]:
        """Return both texts of all pairs."""
        return [*self.pairs["general"], *self.pairs["specific"]]

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the number of pairs."""
        return {"pairs": len(self.pairs)}


def _share(rows: pd.DataFrame) -> Statistic:
    concept, names = pd.factorize(rows["concept"])
    right = rows["right"].to_numpy(float)
    return Statistic(lambda counts: mean(right, counts[:, concept]), len(names))
