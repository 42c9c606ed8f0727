"""The NLI filter of positive hierarchies: each tier must entail the one before, and say more.

Works on tables of ``shards.COLUMNS``; to reject a row is to give it a reason, never to drop it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.generation.prompts import TIER_COUNT
from hierarcaps.generation.shards import make_table
from hierarcaps.nli import CONTRADICTION, ENTAILMENT, NLIModel
from hierarcaps.runtime.errors import InputError


@dataclass(frozen=True)
class Thresholds:
    """When a filter believes the NLI model.

    Attributes:
        entailment: least probability of entailment for "entails".
        equivalence: a tier whose *reverse* entailment has at least this probability says nothing
            new; 1.01 switches the check off.
        contradiction: least probability of contradiction, in both directions, for "contradicts";
            by default no pair does, since only negatives are asked.
    """

    entailment: float
    equivalence: float
    contradiction: float = 1.01

    @classmethod
    def from_params(cls, section: Mapping[str, Any]) -> "Thresholds":
        """Read the thresholds of a params section, each in (0, 1.01]."""
        names = ("entailment", "contradiction", "equivalence")
        values = {name: section[name] for name in names if name in section}
        for name, value in values.items():
            if not 0 < value <= 1.01:
                raise InputError(f"nli.thresholds.{name}: found {value}, expected (0, 1.01]")
        return cls(**values)


def filter_positives(table: pd.DataFrame, nli: NLIModel, thresholds: Thresholds) -> pd.DataFrame:
    """Reject the rows without a reason whose tiers do not form a strict chain of entailment.

    New reasons: ``tier{i}_not_entailing`` (tier i does not entail tier i-1),
    ``tier{i}_unread`` (the two are longer than the NLI model reads) and ``tier{i}_nothing_new``
    (it is entailed by tier i-1 too); i counts from 1, the first fault wins.

    Returns:
        The same rows in the same order.
    """
    rows: list[dict[str, Any]] = table.to_dict("records")
    open_rows = [row for row in rows if row["reason"] is None]
    pairs = [
        (row["tiers"][tier], row["tiers"][tier - 1])
        for row in open_rows
        for tier in range(1, TIER_COUNT)
    ]
    follows = entails(nli, pairs, thresholds)
    nothing_new = _other_way(nli, pairs, follows, ENTAILMENT) >= thresholds.equivalence
    shape = (-1, TIER_COUNT - 1)
    for row, following, empty in zip(
        open_rows, follows.reshape(shape), nothing_new.reshape(shape), strict=True
    ):
        for tier in range(TIER_COUNT - 1):
            if not following[tier]:
                pair = (row["tiers"][tier + 1], row["tiers"][tier])
                row["reason"] = f"tier{tier + 2}_{fault_of(nli, pair, 'not_entailing')}"
            elif empty[tier]:
                row["reason"] = f"tier{tier + 2}_nothing_new"
            if row["reason"] is not None:
                break
    return make_table(rows)


def filter_negatives(table: pd.DataFrame, nli: NLIModel, thresholds: Thresholds) -> pd.DataFrame:
    """Reject the rows without a reason whose negatives are none; rows without negatives pass.

    New reasons: ``negative{i}_not_entailing`` (negative i does not entail tier i-1) and
    ``negative{i}_not_contradicting`` (it does not contradict tier i); the first fault wins.

    Returns:
        The same rows in the same order.
    """
    rows: list[dict[str, Any]] = table.to_dict("records")
    open_rows = [row for row in rows if row["reason"] is None and row["negatives"] is not None]
    tiers = range(TIER_COUNT)
    continuing = [
        (row["negatives"][i], row["tiers"][i - 1]) for row in open_rows for i in tiers[1:]
    ]
    clashing = [(row["negatives"][i], row["tiers"][i]) for row in open_rows for i in tiers]
    follows = entails(nli, continuing, thresholds).reshape(-1, TIER_COUNT - 1)
    clashes = contradicts(nli, clashing, thresholds).reshape(-1, TIER_COUNT)
    for row, following, clash in zip(open_rows, follows, clashes, strict=True):
        for tier in tiers:
            if tier and not following[tier - 1]:
                row["reason"] = f"negative{tier + 1}_not_entailing"
            elif not clash[tier]:
                row["reason"] = f"negative{tier + 1}_not_contradicting"
            if row["reason"] is not None:
                break
    return make_table(rows)


def fault_of(nli: NLIModel, pair: tuple[str, str], fault: str) -> str:
    """Return why a pair that was asked for is rejected: ``unread`` if it is too long."""
    return "unread" if nli.is_too_long(pair) else fault


def _other_way(
    nli: NLIModel, pairs: list[tuple[str, str]], where: np.ndarray, relation: int
) -> np.ndarray:
    """Return the probability of a relation the other way round, (N,); 0 where it is not asked."""
    found = np.zeros(len(pairs))
    asked = np.flatnonzero(where)
    found[asked] = nli.probabilities([pairs[index][::-1] for index in asked])[:, relation]
    return found


def contradicts(nli: NLIModel, pairs: list[tuple[str, str]], thresholds: Thresholds) -> np.ndarray:
    """Return whether each pair contradicts, bool (N,).

    Contradiction is symmetric and NLI models are not: a pair must contradict both ways, which
    removes mistakes. The other way is asked where the first is believed.
    """
    believed = nli.probabilities(pairs)[:, CONTRADICTION] >= thresholds.contradiction
    return _other_way(nli, pairs, believed, CONTRADICTION) >= thresholds.contradiction


def entails(nli: NLIModel, pairs: list[tuple[str, str]], thresholds: Thresholds) -> np.ndarray:
    """Return whether the premise entails the hypothesis in each pair, bool (N,)."""
    return nli.probabilities(pairs)[:, ENTAILMENT] >= thresholds.entailment


def accepted(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that were not rejected, re-indexed."""
    return table[table["reason"].isna()].reset_index(drop=True)


def count_reasons(table: pd.DataFrame) -> dict[str, int]:
    """Return how many rows each reason rejected, and how many were ``accepted``."""
    reasons = Counter("accepted" if reason is None else reason for reason in table["reason"])
    return dict(sorted(reasons.items()))
