"""The drawn world's logic as a judge of generated hierarchies. It scores; it never filters."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from hierarcaps.generation.prompts import TIER_COUNT
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.logic import contradicts, entails


def positive_faults(tiers: Sequence[str]) -> list[bool]:
    """Return for each tier whether it is wrong: unreadable, or not strictly below the last."""
    meanings = [parse(tier) for tier in tiers]
    faults = [meanings[0] is None]
    for before, tier in itertools.pairwise(meanings):
        right = before and tier and entails(tier, before) and not entails(before, tier)
        faults.append(not right)
    return faults


def negative_faults(tiers: Sequence[str], negatives: Sequence[str]) -> list[bool]:
    """Return for each negative whether it is wrong.

    Right is: readable, contradicting the positive of its tier, entailing the positive before.
    """
    faults = []
    positives = [parse(tier) for tier in tiers]
    for tier, text in enumerate(negatives):
        negative, positive = parse(text), positives[tier]
        right = negative and positive and contradicts(negative, positive)
        if right and tier:
            before = positives[tier - 1]
            right = before is not None and negative is not None and entails(negative, before)
        faults.append(not right)
    return faults


def score(table: pd.DataFrame) -> dict[str, Any]:
    """Return the shares of right texts among the rows that have tiers, rejected ones included.

    Returns:
        ``n``; ``positives`` (share of rows with four right tiers), ``positive_tiers`` (share right,
        per tier); where there are negatives, over the rows that have them: ``negatives``,
        ``negative_tiers``, ``all_eight``, and ``wrong`` (up to ten examples).
    """
    rows = [row for row in table.to_dict("records") if row["tiers"] is not None]
    if not rows:
        return {"n": 0}
    positive = [positive_faults(row["tiers"]) for row in rows]
    result: dict[str, Any] = {
        "n": len(rows),
        "positives": _share(positive, lambda faults: not any(faults)),
        "positive_tiers": _per_tier(positive),
    }
    full = [
        (row, [*faults, *negative_faults(row["tiers"], row["negatives"])])
        for row, faults in zip(rows, positive, strict=True)
        if row["negatives"] is not None
    ]
    if full:
        faults = [each for _, each in full]
        result["negatives"] = _share(faults, lambda each: not any(each[TIER_COUNT:]))
        result["negative_tiers"] = _per_tier([each[TIER_COUNT:] for each in faults])
        result["all_eight"] = _share(faults, lambda each: not any(each))
        wrong = [row for row, each in full if any(each)][:10]
        result["wrong"] = [
            {"tiers": list(row["tiers"]), "negatives": list(row["negatives"])} for row in wrong
        ]
    return result


def _share(items: Sequence[list[bool]], test: Callable[[list[bool]], bool]) -> float:
    return sum(map(test, items)) / len(items)


def _per_tier(faults: Sequence[list[bool]]) -> list[float]:
    return [_share(faults, lambda each, tier=tier: not each[tier]) for tier in range(TIER_COUNT)]  # type: ignore[misc]
