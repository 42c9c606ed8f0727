"""Few-shot prompts for caption hierarchies, and the strict parser of what a model answers.

A hierarchy is one line, ``caption => less specific => concept => category``: from specific to
general, because the model is given the caption and drops details step by step. Everything else in
the package orders tiers from general to specific.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from hierarcaps.generation.text import SEPARATOR, normalise, text_key, words

TIER_COUNT = 4
KNOWLEDGE = (
    "the seeds of a list may be chosen to share their first tier, and only words that stand side "
    "by side in a caption or a seed may be taken (params: generation.augmentation)"
)
"""What augmentation brings to its prompts from outside of the language model."""


@dataclass(frozen=True)
class Prompt:
    """A versioned few-shot prompt.

    Attributes:
        version: name under which results are keyed; changes whenever the text changes.
        instruction: first line, may be empty.
        examples: hierarchies, each general -> specific.
    """

    version: str
    instruction: str
    examples: tuple[tuple[str, str, str, str], ...]

    def prefix(self) -> str:
        """Return the text shared by all captions; ends with a line break."""
        lines = [self.instruction] if self.instruction else []
        lines += [chain(example) for example in self.examples]
        return "\n".join(lines) + "\n"

    @property
    def categories(self) -> list[str]:
        """The distinct first tiers of the examples."""
        return list(dict.fromkeys(example[0] for example in self.examples))

    def completion(self, caption: str) -> str:
        """Return the prompt that a model completes with the three more general tiers."""
        return f"{self.prefix()}{caption} {SEPARATOR}"


def chain(tiers: Sequence[str]) -> str:
    """Return tiers (general -> specific) as one prompt line (specific -> general)."""
    return f" {SEPARATOR} ".join(reversed(tiers))


def augmentation_prompt(seeds: Sequence[Sequence[str]], instruction: str = "") -> str:
    """Return accepted hierarchies, one a line: a model completes it with a hierarchy of its own."""
    lines = [instruction] if instruction else []
    return "\n".join([*lines, *(chain(seed) for seed in seeds)]) + "\n"


@dataclass(frozen=True)
class Parsed:
    """The outcome of parsing: ``tiers`` general -> specific, or the ``reason`` of the rejection."""

    tiers: tuple[str, str, str, str] | None
    reason: str | None


def parse_completion(caption: str, completion: str) -> Parsed:
    """Parse what a model wrote after ``caption =>``."""
    return parse_line(f"{caption} {SEPARATOR}{completion}")


def parse_line(line: str) -> Parsed:
    """Parse one line, specific -> general, into four tiers; reject what is not exactly that.

    Reasons: ``no_answer``; ``tier_count`` (not four tiers); ``empty_tier`` (a tier without a
    word); ``repeated_tier``; ``longer_tier`` (a more general tier with more words than the one it
    generalises); ``markup`` (angle or curly brackets: text of a template or a page, not a caption).
    """
    text = line.split("\n", 1)[0]
    parts = [normalise(part) for part in text.split(SEPARATOR)]
    if not any(words(part) for part in parts[1:]):
        return Parsed(None, "no_answer")
    if len(parts) != TIER_COUNT:
        return Parsed(None, "tier_count")
    if not all(words(part) for part in parts):
        return Parsed(None, "empty_tier")
    if any(set(part) & set("<>{}") for part in parts[1:]):
        return Parsed(None, "markup")
    if len({text_key(part) for part in parts}) < TIER_COUNT:
        return Parsed(None, "repeated_tier")
    lengths = [len(words(part)) for part in parts]
    if any(later > earlier for earlier, later in itertools.pairwise(lengths)):
        return Parsed(None, "longer_tier")
    specific, third, second, general = parts
    return Parsed((general, second, third, specific), None)
