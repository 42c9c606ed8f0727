"""What the language model writes: seeds from captions, and more hierarchies from seeds."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pandas as pd

from hierarcaps.generation.llm import LineCompleter
from hierarcaps.generation.prompts import Prompt, augmentation_prompt, parse_completion, parse_line
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import text_key


def write_seeds(
    captions: pd.DataFrame, llm: LineCompleter, prompt: Prompt, settings: dict[str, Any], seed: int
) -> pd.DataFrame:
    """Let the language model write a hierarchy for each caption.

    Args:
        captions: columns ``caption`` and ``image``.
        llm: the language model.
        prompt: the few-shot prompt.
        settings: ``max_new_tokens`` and ``temperature`` (0 is greedy).
        seed: of the sampling.

    Returns:
        One row of ``shards.COLUMNS`` per caption; what does not parse has a reason.
    """
    texts = list(captions["caption"])
    outputs = llm.complete(
        [prompt.completion(text) for text in texts],
        max_new_tokens=settings["max_new_tokens"],
        temperature=settings["temperature"],
        seed=seed,
    )
    rows = []
    for text, image, output in zip(texts, captions["image"], outputs, strict=True):
        parsed = parse_completion(text, output)
        rows.append(
            {
                "caption": text, "image": image, "source": "llm", "output": output,
                "tiers": parsed.tiers, "reason": parsed.reason,
            }
        )  # fmt: skip
    return make_table(rows)


def augment(
    seeds: Sequence[Sequence[str]], llm: LineCompleter, settings: dict[str, Any], seed: int
) -> list[dict[str, Any]]:
    """Let the language model continue lists of random seeds with hierarchies of its own.

    Args:
        seeds: accepted hierarchies, general -> specific.
        llm: the language model.
        settings: ``prompts`` (lists of seeds), ``examples`` (seeds in a list), ``completions``
            (lines written per list), ``max_new_tokens`` and ``temperature`` (above 0, or all
            completions of a list are one).
        seed: of the choice of seeds and of the sampling.

    Returns:
        A row of ``shards.COLUMNS`` per completion; repeated ones are rejected (``known``).
    """
    rng = Random(f"augmentation/{seed}")
    known = {text_key(chain[-1]) for chain in seeds}
    rows: list[dict[str, Any]] = []
    for number in range(settings["prompts"] if seeds else 0):
        chosen = rng.sample(list(seeds), min(settings["examples"], len(seeds)))
        outputs = llm.complete(
            [augmentation_prompt(chosen)] * settings["completions"],
            max_new_tokens=settings["max_new_tokens"],
            temperature=settings["temperature"],
            seed=seed + number,
        )
        for output in outputs:
            parsed = parse_line(output)
            reason = parsed.reason
            if parsed.tiers and text_key(parsed.tiers[-1]) in known:
                reason = "known"
            elif parsed.tiers:
                known.add(text_key(parsed.tiers[-1]))
            rows.append(
                {
                    "caption": parsed.tiers[-1] if parsed.tiers else output,
                    "source": "augmentation",
                    "output": output, "tiers": parsed.tiers, "reason": reason,
                }
            )  # fmt: skip
    return rows
