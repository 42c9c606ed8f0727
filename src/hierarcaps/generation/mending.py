"""Rejected seeds that only lack a fitting category get one that the judge believes.

A small language model often finds the concept of a caption and not its category: ``a lamp => a
lamp``, ``a shirt => a person``. Such a seed keeps what was written before the fault, and takes its
first tier from the first tiers of the prompt and of accepted seeds, where the NLI model finds that
the concept entails it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from hierarcaps.generation.filtering import Thresholds, accepted, filter_positives
from hierarcaps.generation.prompts import TIER_COUNT, parse_line
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import SEPARATOR, text_key
from hierarcaps.nli import ENTAILMENT, NLIModel

KNOWLEDGE = (
    "a seed that lacks a fitting category may take one of the prompt or of another seed, if the "
    "NLI model believes it"
)
MENDED = "llm, mended"
"""The source of a row whose first tier was replaced."""


def mend(
    table: pd.DataFrame, categories: Iterable[str], nli: NLIModel, thresholds: Thresholds
) -> pd.DataFrame:
    """Accept the rejected rows that pass the filter with another first tier.

    Args:
        table: ``shards.COLUMNS`` as the language model wrote it, filtered.
        categories: first tiers of the prompt's examples.
        nli: the filter.
        thresholds: when it believes that a concept entails a category and not the reverse.

    Returns:
        The same rows in the same order; the others keep their reason.
    """
    seen = Counter(chain[0] for chain in accepted(table)["tiers"])
    names = list(dict.fromkeys([*categories, *(name for name, n in seen.items() if n > 1)]))
    rows = table.to_dict("records")
    heads = {
        index: head
        for index, row in enumerate(rows)
        if row["reason"] is not None
        if (head := _head([row["caption"], *(row["output"] or "").split(SEPARATOR)]))
    }
    found = _categories(list(dict.fromkeys(h[-1] for h in heads.values())), names, nli, thresholds)
    tried = {
        index: {**rows[index], "source": MENDED, "tiers": parsed.tiers, "reason": parsed.reason}
        for index, head in heads.items()
        if head[-1] in found
        for parsed in [parse_line(f" {SEPARATOR} ".join([*head, found[head[-1]]]))]
    }
    filtered = filter_positives(make_table(list(tried.values())), nli, thresholds)
    for index, row in zip(tried, filtered.to_dict("records"), strict=True):
        if row["reason"] is None:
            rows[index] = row
    return make_table(rows)


def _head(line: Sequence[str]) -> tuple[str, ...] | None:
    """Return the three most specific texts of a line without repetitions, None of fewer."""
    distinct = list({text_key(text): text.strip() for text in line}.values())
    return tuple(distinct[: TIER_COUNT - 1]) if len(distinct) >= TIER_COUNT - 1 else None


def _categories(
    concepts: Sequence[str], names: Sequence[str], nli: NLIModel, thresholds: Thresholds
) -> dict[str, str]:
    """Return the category of each concept that has one: the most probable of its number."""
    pairs = [
        (concept, name)
        for concept in concepts
        for name in names
        if _number(concept) == _number(name) or not _number(name)
    ]
    forward = nli.probabilities(pairs)[:, ENTAILMENT]
    backward = nli.probabilities([(name, concept) for concept, name in pairs])[:, ENTAILMENT]
    fits = (forward >= thresholds.entailment) & (backward < thresholds.equivalence)
    best: dict[str, str] = {}
    for index in np.argsort(-forward, kind="stable"):
        concept, name = pairs[index]
        if fits[index]:
            best.setdefault(concept, name)
    return best


def _number(text: str) -> str:
    """Return ``one``, ``many`` or, of what has no number (``food``), the empty string."""
    if text.startswith(("a ", "an ", "one ")):
        return "one"
    return "many" if text.endswith("s") else ""
