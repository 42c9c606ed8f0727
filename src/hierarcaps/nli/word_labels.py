"""Which word of a drawn-world caption speaks of which attribute.

The pair's label alone is a thin signal for a small model: it must find out which of twenty words
made a contradiction. The world's logic knows the relation in each attribute, so each word of the
hypothesis can be given its own label while the model is trained.
"""

import re
from collections.abc import Iterator
from functools import cache

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.wording import (
    COLOUR_WORDS,
    DETERMINERS,
    IMAGE_WORDS,
    OTHER_NOUNS,
    RELATION_WORDS,
    SETTING_WORDS,
    SIZE_WORDS,
)

IGNORED = -100
"""Label of words that say nothing about the scene (torch's ignored class)."""

ATTRIBUTES = (
    "kind", "count", "colour", "size",
    "companion kind", "companion count", "companion colour", "companion size",
    "setting", "relation",
)  # fmt: skip


def caption_words(text: str) -> list[str]:
    """Split a caption as the word-level tokenizer does."""
    return text.lower().replace(",", " , ").split()


def word_relations(hypothesis: str, relations: tuple[int, ...]) -> list[int]:
    """Return a label per word of the hypothesis.

    Args:
        hypothesis: a caption of the grammar.
        relations: the relation in each of ``ATTRIBUTES``: 0 entailment, 1 neutral, 2 contradiction.

    Returns:
        For each word the relation of the attribute that it expresses (of a noun: the stronger one
        of kind and count), or ``IGNORED``. Their maximum is the relation of the pair.
    """
    words = caption_words(hypothesis)
    labels = [IGNORED] * len(words)
    by_name = dict(zip(ATTRIBUTES, relations, strict=True))
    for start, end in _spans(words, _phrases(IMAGE_WORDS)):
        words[start:end] = ["_"] * (end - start)
    for start, end in _spans(words, _settings()):
        labels[start:end] = [by_name["setting"]] * (end - start)
        words[start:end] = ["_"] * (end - start)
    role = ""
    relation = next(_spans(words, _relations()), None)
    for index, word in enumerate(words):
        if relation and relation[0] <= index < relation[1]:
            labels[index], role = by_name["relation"], "companion "
            continue
        attribute = _attributes().get(word)
        if attribute == "kind":
            labels[index] = max(by_name[role + "kind"], by_name[role + "count"])
        elif attribute:
            labels[index] = by_name[role + attribute]
    return labels


def _spans(words: list[str], pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield the word ranges of a pattern's matches."""
    text = " ".join(words)
    for match in pattern.finditer(text):
        start = text.count(" ", 0, match.start())
        yield start, start + match.group().count(" ") + 1


def _phrases(phrases: tuple[str, ...]) -> re.Pattern[str]:
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, ordered))})(?!\S)")


@cache
def _settings() -> re.Pattern[str]:
    return _phrases(tuple(words for each in SETTING_WORDS.values() for words in each))


@cache
def _relations() -> re.Pattern[str]:
    return _phrases(tuple(words for each in RELATION_WORDS.values() for words in each))


@cache
def _attributes() -> dict[str, str]:
    """Map each word to the attribute that it expresses wherever it stands."""
    table = {word: "colour" for words in COLOUR_WORDS.values() for word in words}
    table |= {word: "size" for words in SIZE_WORDS.values() for word in words}
    nouns = [(noun.singular, noun.plural, noun.mass or "") for noun in taxonomy.NOUNS.values()]
    for forms in (*nouns, *(forms for _, *forms in OTHER_NOUNS), ("something",)):
        table |= {word: "kind" for form in forms for word in form.split() if word != "of"}
    for determiner, (count, _) in DETERMINERS.items():
        if count is not None:
            words = set(determiner.split()) - {"a", "of"}
            table |= dict.fromkeys(words, "count")
    return table
