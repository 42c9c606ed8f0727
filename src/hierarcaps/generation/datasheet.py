"""The datasheet: how many entered and left each step, why, with examples, and how good they are."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.generation import mending, prompts, recombination
from hierarcaps.generation.filtering import accepted, count_reasons
from hierarcaps.generation.prompts import TIER_COUNT, Prompt
from hierarcaps.generation.text import words
from hierarcaps.runtime.files import write_json

EXAMPLES_PER_REASON = 5
LONGEST_EXAMPLE = 200

Score = Callable[[pd.DataFrame], dict[str, Any]]
"""A judge of generated tables, where there is one (``oracle.score``)."""


def write_datasheet(
    path: str | Path,
    captions: Mapping[str, int],
    steps: Mapping[str, pd.DataFrame],
    validation: pd.DataFrame,
    prompt: Prompt,
    *,
    score: Score | None = None,
    reports: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the datasheet as JSON and return it.

    Args:
        path: the JSON file.
        captions: counts of ``sources.prepare_captions``.
        steps: step name -> its table, in the pipeline's order; the last one is the data set.
        validation: what the last step made of captions of validation images, which taught nothing.
        prompt: the few-shot prompt of the seeds.
        score: judge of a table, or None where no truth is known.
        reports: further content under its own keys (NLI accuracy, H's held-out report, settings).

    Returns:
        ``captions``; per step ``entered``, ``accepted``, ``reasons`` with counts, ``examples`` of
        accepted rows and of each reason, and ``oracle`` (rows with tiers, and accepted rows);
        ``validation``, the same of its table; ``lengths`` (words per tier), ``vocabulary``;
        ``prompt`` and ``knowledge``.
    """
    final = accepted(list(steps.values())[-1])
    content: dict[str, Any] = {
        "captions": dict(captions),
        "steps": {name: _step(table, score) for name, table in steps.items()},
        "validation": _step(validation, score),
        "lengths": _lengths(final),
        "vocabulary": _vocabulary(final),
        "prompt": {"version": prompt.version, "text": prompt.prefix()},
        "knowledge": {
            "augmentation": prompts.KNOWLEDGE,
            "mending": mending.KNOWLEDGE,
            "recombination": recombination.KNOWLEDGE,
        },
        **(reports or {}),
    }
    write_json(path, content)
    return content


def _step(table: pd.DataFrame, score: Score | None) -> dict[str, Any]:
    reasons = count_reasons(table)
    content: dict[str, Any] = {
        "entered": len(table),
        "accepted": reasons.pop("accepted", 0),
        "reasons": reasons,
        "sources": dict(sorted(Counter(table["source"].fillna("unknown")).items())),
        "examples": _examples(table),
    }
    if score is not None:
        content["oracle"] = {"written": score(table), "accepted": score(accepted(table))}
    return content


def _examples(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return the first rows of each reason: a plain choice, not a flattering one."""
    examples: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        group = examples.setdefault(row["reason"] or "accepted", [])
        if len(group) < EXAMPLES_PER_REASON:
            shown = {key: row[key] for key in ("caption", "output") if row[key]}
            group.append(
                {key: text[:LONGEST_EXAMPLE] for key, text in shown.items()}
                | {key: list(row[key]) for key in ("tiers", "negatives") if row[key]}
            )
    return dict(sorted(examples.items()))


def _texts(table: pd.DataFrame, column: str) -> list[Sequence[str]]:
    return [texts for texts in table[column] if texts is not None]


def _lengths(table: pd.DataFrame) -> dict[str, Any]:
    """Return mean, least and greatest number of words, per tier."""
    lengths: dict[str, Any] = {}
    for column in ("tiers", "negatives"):
        rows = [[len(words(text)) for text in texts] for texts in _texts(table, column)]
        if rows:
            counts = np.array(rows)
            lengths[column] = [
                {
                    "mean": float(counts[:, tier].mean()),
                    "least": int(counts[:, tier].min()),
                    "greatest": int(counts[:, tier].max()),
                }
                for tier in range(TIER_COUNT)
            ]
    return lengths


def _vocabulary(table: pd.DataFrame) -> dict[str, Any]:
    """Return the number of distinct words and texts, and the most frequent first tiers."""
    tiers = _texts(table, "tiers")
    texts = [text for chain in tiers for text in chain]
    return {
        "words": len({word for text in texts for word in words(text)}),
        "texts": len(set(texts)),
        "first_tiers": dict(Counter(chain[0] for chain in tiers).most_common(20)),
    }
