"""What the language model writes: seeds from captions, and more hierarchies from seeds."""

import itertools
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pandas as pd

from hierarcaps.generation.llm import LineCompleter
from hierarcaps.generation.prompts import Prompt, augmentation_prompt, parse_completion, parse_line
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import text_key, words


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
    seeds: Sequence[Sequence[str]],
    llm: LineCompleter,
    settings: dict[str, Any],
    seed: int,
    hidden: Sequence[str] = (),
    attested: Iterable[str] | None = None,
) -> list[dict[str, Any]]:
    """Let the language model continue lists of seeds with hierarchies of its own.

    Args:
        seeds: accepted hierarchies, general -> specific.
        llm: the language model.
        settings: ``prompts`` (lists of seeds), ``alike`` and ``examples`` (see ``choose_lists``),
            ``completions`` (lines written per list), ``max_new_tokens`` and ``temperature`` (above
            0, or all completions of a list are one).
        seed: of the choice of seeds and of the sampling.
        hidden: captions that must teach nothing, though the model may think of them.
        attested: captions; a tier with two neighbouring words that stand together in none of them,
            nor in a seed, is rejected. A small model drifts off ("a plane in the sky"), to where a
            judge that was taught the captions' own language is no judge. None: all is taken.

    Returns:
        A row of ``shards.COLUMNS`` per completion. Further reasons: ``known`` (of a caption that a
        seed, an earlier completion or ``hidden`` has) and ``unattested``.
    """
    lists = choose_lists(seeds, settings["prompts"], settings["examples"], settings["alike"], seed)
    known = {text_key(text) for text in (*hidden, *(chain[-1] for chain in seeds))}
    pairs = None if attested is None else word_pairs([*attested, *itertools.chain(*seeds)])
    rows: list[dict[str, Any]] = []
    for number, chosen in enumerate(lists):
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
                if pairs is not None and not word_pairs(parsed.tiers) <= pairs:
                    reason = "unattested"
            rows.append(
                {
                    "caption": parsed.tiers[-1] if parsed.tiers else output,
                    "source": "augmentation",
                    "output": output, "tiers": parsed.tiers, "reason": reason,
                }
            )  # fmt: skip
    return rows


def word_pairs(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Return every two words that stand side by side in a text."""
    return {pair for text in texts for pair in itertools.pairwise(words(text))}


def choose_lists(
    seeds: Sequence[Sequence[str]], number: int, examples: int, alike: bool, seed: int
) -> list[list[Sequence[str]]]:
    """Choose the seeds that the language model is shown, list by list.

    Args:
        seeds: accepted hierarchies, general -> specific.
        number: of lists.
        examples: seeds in a list; fewer where there are not as many.
        alike: whether the seeds of a list share their first tier, so that a small model need not
            find a category that fits, and writes in one number. First tiers take turns, the most
            frequent first; those of fewer than half of ``examples`` seeds have none.
        seed: of the choice.

    Returns:
        ``number`` lists; none where there are no seeds, or none alike.
    """
    groups: dict[str, list[Sequence[str]]] = {}
    for chain in seeds:
        groups.setdefault(chain[0] if alike else "", []).append(chain)
    ordered = sorted(groups.values(), key=len, reverse=True)
    pools = [group for group in ordered if 2 * len(group) >= examples or not alike]
    rng = Random(f"augmentation/{seed}")
    turns = itertools.islice(itertools.cycle(pools), number)
    return [rng.sample(pool, min(examples, len(pool))) for pool in turns]
