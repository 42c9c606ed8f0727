"""Positives and negatives at scale: H writes, NLI filters, rejects stay with their reason.

A negative of tier i continues the positive tiers before i and contradicts tier i. For tier 1 there
is nothing before, so it need only contradict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hierarcaps.generation.filtering import (
    Thresholds,
    contradicts,
    entails,
    fault_of,
    filter_positives,
)
from hierarcaps.generation.prompts import TIER_COUNT
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import SEPARATOR, text_key, words
from hierarcaps.nli import NLIModel
from hierarcaps.runtime.errors import InputError


def write_positives(
    captions: pd.DataFrame, model: HierarchyModel, nli: NLIModel, thresholds: Thresholds,
    settings: Mapping[str, Any],
) -> pd.DataFrame:  # fmt: skip
    """Let H write the three general tiers of each caption, and filter them.

    Args:
        captions: columns ``caption`` and ``image``.
        model: H.
        nli: the filter.
        thresholds: when the filter believes it.
        settings: ``max_new_tokens`` and ``beams``.

    Returns:
        One row of ``shards.COLUMNS`` per caption.
    """
    texts = list(captions["caption"])
    results = model.generalise(
        texts, max_new_tokens=settings["max_new_tokens"], beams=settings["beams"]
    )
    rows = [
        {
            "caption": text, "image": image, "source": "hierarchy model", "output": output,
            "tiers": parsed.tiers, "reason": parsed.reason,
        }
        for text, image, (output, parsed) in zip(texts, captions["image"], results, strict=True)
    ]  # fmt: skip
    return filter_positives(make_table(rows), nli, thresholds)


@dataclass
class _Slot:
    """The negative of one tier of one row, until one is found."""

    row: int
    tier: int
    prefix: tuple[str, ...]
    positive: str
    found: str | None = None
    faults: list[str] = field(default_factory=list)


def add_negatives(
    table: pd.DataFrame, model: HierarchyModel, nli: NLIModel, thresholds: Thresholds,
    settings: Mapping[str, Any], seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Give each accepted row four negatives, or the reason why it has none.

    Every tier is sampled up to ``tries`` times, and the first sample that passes is taken. Few
    tries, on purpose: with many, what passes is ever more often the NLI model's own mistake.
    New reasons: ``negative{i}_{fault}``, the fault of the last try: ``malformed``,
    ``same_as_positive``, ``unread`` (a pair with it is longer than the NLI model reads),
    ``not_entailing`` (the tier before), ``not_contradicting``.

    Args:
        table: ``shards.COLUMNS``; rows with a reason are passed through.
        model: H.
        nli: the filter.
        thresholds: when the filter believes it.
        settings: ``tries``, ``temperature`` and ``max_new_tokens``.
        seed: of the sampling.

    Returns:
        The same rows in the same order.
    """
    if settings["temperature"] <= 0 < settings["tries"] - 1:
        raise InputError("generation.negatives: several tries need a temperature above 0")
    rows: list[dict[str, Any]] = table.to_dict("records")
    slots = [
        _Slot(index, tier, tuple(row["tiers"][:tier]), row["tiers"][tier])
        for index, row in enumerate(rows)
        if row["reason"] is None
        for tier in range(TIER_COUNT)
    ]
    for attempt in range(settings["tries"]):
        missing = [slot for slot in slots if slot.found is None]
        texts = model.specialise(
            [slot.prefix for slot in missing],
            temperature=settings["temperature"],
            max_new_tokens=settings["max_new_tokens"],
            seed=seed * 1000 + attempt,
        )
        _judge(missing, texts, nli, thresholds)
    for start in range(0, len(slots), TIER_COUNT):
        group = slots[start : start + TIER_COUNT]
        row = rows[group[0].row]
        failed = next((slot for slot in group if slot.found is None), None)
        if failed is not None:
            row["reason"] = f"negative{failed.tier + 1}_{failed.faults[-1]}"
        row["negatives"] = None if failed else tuple(str(slot.found) for slot in group)
    return make_table(rows)


def _judge(
    slots: Sequence[_Slot], texts: Sequence[str], nli: NLIModel, thresholds: Thresholds
) -> None:
    """Accept each text for its slot, or note its fault."""
    candidates = []
    for slot, text in zip(slots, texts, strict=True):
        if SEPARATOR in text or not words(text):
            slot.faults.append("malformed")
        elif text_key(text) == text_key(slot.positive):
            slot.faults.append("same_as_positive")
        else:
            candidates.append((slot, text))
    continuing = [(text, slot.prefix[-1]) for slot, text in candidates if slot.prefix]
    follows = iter(entails(nli, continuing, thresholds))
    following = []
    for slot, text in candidates:
        if not slot.prefix or next(follows):
            following.append((slot, text))
        else:
            slot.faults.append(fault_of(nli, (text, slot.prefix[-1]), "not_entailing"))
    clashes = contradicts(nli, [(text, slot.positive) for slot, text in following], thresholds)
    for (slot, text), clash in zip(following, clashes, strict=True):
        if clash:
            slot.found = text
        else:
            slot.faults.append(fault_of(nli, (text, slot.positive), "not_contradicting"))
