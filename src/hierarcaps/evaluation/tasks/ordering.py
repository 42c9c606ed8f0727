"""Order along the chains of the test set: tau_d, monotonicity, transitivity."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, Radius, TestSetTask, item_columns
from hierarcaps.metrics.chains import monotonicity_violations, transitivity_excess, triples
from hierarcaps.metrics.hierarchy import kendall_tau, length_controlled_tau
from hierarcaps.models.embeddings import Embeddings


def ordering_table(items: Items, radii: np.ndarray) -> pd.DataFrame:
    """Return per item its radii, tau and the caption lengths that compete with the radius.

    Args:
        items: N hierarchies.
        radii: (N, 4), the radius of each tier's text.
    """
    words = np.array([[len(tier.split()) for tier in item.tiers] for item in items])
    characters = np.array([[len(tier) for tier in item.tiers] for item in items])
    table = item_columns(items)
    table["tau"] = kendall_tau(radii)
    table["tau_length_controlled"] = length_controlled_tau(radii, words)
    for name, columns in (("radius", radii), ("words", words), ("characters", characters)):
        for tier in range(TIERS):
            table[f"{name}_{tier + 1}"] = columns[:, tier]
    return table


class Ordering(TestSetTask):
    """Do radii rise with the tiers? ``tau_d``, and the same where length does not tell."""

    name = "ordering"

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return ``ordering_table``."""
        return ordering_table(items, _tier_radii(items, radius))

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return ``ordering_table`` with the exterior angles from each tier to the next."""
        table = self.items_of_radius(items, lambda texts: space.radii(embeddings, texts))
        for tier in range(TIERS - 1):
            table[f"angle_{tier + 1}"] = space.exterior_angles(
                embeddings,
                [item.tiers[tier] for item in items],
                [item.tiers[tier + 1] for item in items],
            )
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return tau_d (the paper's) and its length-controlled version."""
        return {
            "tau_d": table["tau"].to_numpy(),
            "tau_d_length_controlled": table["tau_length_controlled"].to_numpy(),
        }


class Chains(TestSetTask):
    """How often is a chain violated? Monotonicity of the radii, transitivity of the angles.

    A **monotonicity** violation is a tier whose radius does not exceed that of the tier before. A
    **transitivity** violation is a triple of tiers whose whole has a larger exterior angle than
    both of its steps (``chains.transitivity_excess``): a threshold on the angle then finds
    e -> e' and e' -> e'' but not e -> e''. Random vectors violate about a fifth of the triples, so
    transitivity says little without the untrained controls beside it.
    """

    name = "chains"

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return per item the share of neighbouring tiers in which the radius does not rise."""
        table = item_columns(items)
        table["monotonicity_violations"] = monotonicity_violations(_tier_radii(items, radius))
        return table

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return also the transitivity excess (radians) of each triple of tiers."""
        table = self.items_of_radius(items, lambda texts: space.radii(embeddings, texts))
        angles = np.zeros((len(items), TIERS, TIERS))
        for i, j in combinations(range(TIERS), 2):
            angles[:, i, j] = space.exterior_angles(
                embeddings, [item.tiers[i] for item in items], [item.tiers[j] for item in items]
            )
        excess = transitivity_excess(angles)
        for column, triple in enumerate(triples(TIERS)):
            name = "_".join(str(tier + 1) for tier in triple)
            table[f"excess_{name}"] = excess[:, column]
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return shares of violated neighbours, chains and triples (all: lower is better)."""
        violations = table["monotonicity_violations"].to_numpy()
        values = {
            "monotonicity_violations": violations,
            "chains_not_monotonic": (violations > 0).astype(float),
        }
        excess = table.filter(like="excess_").to_numpy()
        if excess.size:
            values["transitivity_violations"] = (excess > 0).mean(axis=1)
            values["transitivity_excess"] = excess.mean(axis=1)
        return values


def _tier_radii(items: Items, radius: Radius) -> np.ndarray:
    texts = [tier for item in items for tier in item.tiers]
    return np.asarray(radius(texts), dtype=float).reshape(len(items), TIERS)
