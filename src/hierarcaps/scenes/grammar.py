"""Captions of varying specificity, in varied words, and the parser that is their exact inverse.

A caption is ``[frame] phrase [relation phrase] [setting]``; the setting may also come first. For
each meaning ``m`` and each wording, ``parse(realise(m, rng)) == m``. The parser is also the oracle
for texts that a model wrote: it tolerates upper case, a final full stop and extra spaces, and
returns None for anything outside the grammar (a wrong article or plural included).
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from random import Random
from typing import Literal

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.logic import SEVERAL, Count, Meaning, Phrase
from hierarcaps.scenes.wording import (
    COLOUR_WORDS,
    DETERMINERS,
    IMAGE_WORDS,
    OTHER_NOUNS,
    RELATION_WORDS,
    SETTING_WORDS,
    SIZE_WORDS,
)  # fmt: skip

_VERBS = ("there is ", "there are ", "this is ", "these are ")
_PREFIXES = _VERBS + tuple(
    f"{article}{word} of "
    for word in IMAGE_WORDS
    for article in (f"{taxonomy.article(word)} ", "the ", "")
)
_SUFFIXES = tuple(f" in the {word}" for word in IMAGE_WORDS)


@cache
def _generic_captions() -> tuple[str, ...]:
    return tuple(
        f"{start}{word}"
        for word in IMAGE_WORDS
        for start in (
            taxonomy.article(word) + " ",
            "",
            "the ",
            f"this is {taxonomy.article(word)} ",
        )
    )


# Words around the noun phrases: those of the web (some as tags), plain ones, none to speak of.
Style = Literal["web", "plain", "tag"]


def realise(meaning: Meaning, rng: Random, style: Style = "web") -> str:
    """Return a caption with this meaning, its wording drawn from ``rng``.

    A caption of the web may speak of the picture ("a photo of a duck") and of "the duck" or "many
    ducks"; 6% are tags ("red duck"). A plain one, as people write for a test set, says "a duck",
    "ducks" and nothing of the picture.
    """
    if meaning == Meaning():
        return rng.choice((*_generic_captions(), "something", "a picture of something"))
    setting = _word(SETTING_WORDS[meaning.setting], rng) if meaning.setting else ""
    if style == "web" and rng.random() < 0.06:
        style = "tag"
    text = _realise_phrase(meaning.subject, rng, style)
    if meaning.companion and meaning.relation:
        word = _word(RELATION_WORDS[meaning.relation], rng)
        text += f" {word} {_realise_phrase(meaning.companion, rng, style)}"
    if setting and rng.random() < 0.1:
        return f"{setting}, {text}"
    text += f" {setting}" if setting else ""
    return text if style == "plain" else _framed(text, meaning, rng, style)


def _framed(text: str, meaning: Meaning, rng: Random, style: Style) -> str:
    """Put words about the picture itself around the text, more often where it is short."""
    words = len(text.split())
    if rng.random() > (0.1 if words <= 2 else 0.07 if words <= 4 else 0.05):
        return text
    if style == "tag":
        return f"{rng.choice(IMAGE_WORDS)} of {text}"
    plural = meaning.subject.count not in (None, 1)
    draw = rng.random()
    if draw < 0.15 and not text.startswith("the "):
        return f"there {'are' if plural else 'is'} {text}"
    if draw < 0.25:
        return f"{'these are' if plural else 'this is'} {text}"
    if draw < 0.45:
        return text + rng.choice(_SUFFIXES)
    word = rng.choice(IMAGE_WORDS)
    return f"{taxonomy.article(word)} {word} of {text}"


def _word(words: tuple[str, ...], rng: Random) -> str:
    return words[0] if rng.random() < 0.6 else rng.choice(words)


def _realise_phrase(phrase: Phrase, rng: Random, style: Style) -> str:
    if phrase == Phrase():
        return "something"
    colour = _word(COLOUR_WORDS[phrase.colour], rng) if phrase.colour else ""
    size = _word(SIZE_WORDS[phrase.size], rng) if phrase.size else ""
    noun = taxonomy.NOUNS[phrase.kind]
    plural = phrase.count not in (None, 1)
    after = ""
    if colour and style != "tag" and rng.random() < 0.08:
        after, colour = f" that {'are' if plural else 'is'} {colour}", ""
    if phrase.count is None and noun.mass and rng.random() < 0.6:
        determiner, name = rng.choice(("", "", "some")), noun.mass
    else:
        name = noun.plural if plural else noun.singular
        determiner = _determiner(phrase.count, noun, rng, style)
    body = " ".join(filter(None, (size, colour, name)))
    if determiner == "a":
        determiner = taxonomy.article(body)
    return f"{determiner} {body}{after}".lstrip()


def _determiner(count: Count | None, noun: taxonomy.Noun, rng: Random, style: Style) -> str:
    if count is None:
        if style == "web":
            return "the" if rng.random() < 0.03 else "a"
        return "a" if style == "plain" else ""
    if count == 1:
        return rng.choice(("one", "a single"))
    if count == SEVERAL:
        if noun.plural != noun.singular and (style != "web" or rng.random() < 0.6):
            return ""
        return "some" if style == "plain" else rng.choice(("several", "some", "many"))
    if count == 2 and rng.random() < 0.2:
        return rng.choice(("a pair of", "a couple of"))
    return "two" if count == 2 else "three"


@lru_cache(maxsize=1 << 14)  # general captions come again and again
def parse(caption: str) -> Meaning | None:
    """Return the meaning of a caption, or None where the grammar does not produce it."""
    text = " ".join(caption.lower().split()).removesuffix(".").rstrip()
    if text in _generic_captions():
        return Meaning()
    setting, text = _leading_setting(text)
    if not setting:
        text = _unframed(text)
        setting, text = _trailing_setting(text)
    left, relation, right = _split_relation(text)
    if relation and not setting:
        setting, left = _trailing_setting(left)
    subject = _parse_phrase(left)
    if subject is None:
        return None
    if not relation:
        return Meaning(subject, setting)
    companion = _parse_phrase(right)
    return Meaning(subject, setting, relation, companion) if companion else None


def _unframed(text: str) -> str:
    """Remove one frame; verbs that do not agree with the number leave text that is no phrase."""
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            rest = text[len(prefix) :]
            if prefix not in _VERBS:
                return rest
            plural = _is_plural(rest)
            return rest if plural is None or plural == ("are " in prefix) else text
    for suffix in _SUFFIXES:
        if text.endswith(suffix):
            return text.removesuffix(suffix)
    return text


def _is_plural(text: str) -> bool | None:
    phrase = _parse_phrase(_split_relation(_trailing_setting(text)[1])[0])
    return phrase.count not in (None, 1) if phrase else None


def _leading_setting(text: str) -> tuple[str | None, str]:
    start, comma, rest = text.partition(", ")
    setting = _setting_by_words().get(start)
    return (setting, rest) if comma and setting else (None, text)


def _trailing_setting(text: str) -> tuple[str | None, str]:
    for words, setting in _setting_by_words().items():
        if text.endswith(" " + words):
            return setting, text[: -len(words) - 1]
    return None, text


@cache
def _setting_by_words() -> dict[str, str]:
    return {words: setting for setting, all_words in SETTING_WORDS.items() for words in all_words}


@cache
def _relation_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    names = {word: name for name, words in RELATION_WORDS.items() for word in words}
    return re.compile(f" ({'|'.join(names)}) "), names


def _split_relation(text: str) -> tuple[str, str | None, str]:
    pattern, names = _relation_pattern()
    parts = pattern.split(text, maxsplit=1)
    return (parts[0], names[parts[1]], parts[2]) if len(parts) == 3 else (text, None, "")


@cache
def _phrase_pattern() -> re.Pattern[str]:
    determiners = "|".join(sorted(filter(None, DETERMINERS), key=len, reverse=True))
    sizes = "|".join(word for words in SIZE_WORDS.values() for word in words)
    colours = "|".join(word for words in COLOUR_WORDS.values() for word in words)
    nouns = "|".join(sorted(_noun_forms(), key=len, reverse=True))
    return re.compile(
        f"(?:(?P<determiner>{determiners}) )?(?P<body>(?:(?P<size>{sizes}) )?"
        f"(?:(?P<colour>{colours}) )?(?P<noun>{nouns}))"
        f"(?: that (?P<verb>is|are) (?P<after>{colours}))?"
    )


@cache
def _noun_forms() -> dict[str, list[tuple[str, str]]]:
    """Map each form of a noun to its (kind, "singular" | "plural" | "mass") readings."""
    forms: dict[str, list[tuple[str, str]]] = {}
    for kind, noun in taxonomy.NOUNS.items():
        forms.setdefault(noun.singular, []).append((kind, "singular"))
        forms.setdefault(noun.plural, []).append((kind, "plural"))
        if noun.mass:
            forms.setdefault(noun.mass, []).append((kind, "mass"))
    for kind, singular, plural in OTHER_NOUNS:
        forms.setdefault(singular, []).append((kind, "singular"))
        forms.setdefault(plural, []).append((kind, "plural"))
    return forms


def _parse_phrase(text: str) -> Phrase | None:
    if text == "something":
        return Phrase()
    match = _phrase_pattern().fullmatch(text)
    if not match or (match["colour"] and match["after"]):
        return None
    determiner = match["determiner"] or ""
    for kind, form in _noun_forms()[match["noun"]]:
        fits, count = _count_of(determiner, match["body"], form)
        plural = count not in (None, 1)
        if fits and (not match["verb"] or (match["verb"] == "are") == plural):
            colour = match["colour"] or match["after"]
            return Phrase(kind, count, _key(COLOUR_WORDS, colour), _key(SIZE_WORDS, match["size"]))
    return None


def _count_of(determiner: str, body: str, form: str) -> tuple[bool, Count | None]:
    """Return whether the determiner fits the form of the noun, and the count they express."""
    if form == "mass":
        return determiner in ("", "some", "the"), None
    if determiner in ("a", "an") and determiner != taxonomy.article(body):
        return False, None
    if form == "plural" and determiner in ("", "the"):
        return True, SEVERAL
    count, wants_plural = DETERMINERS[determiner]
    return wants_plural == (form == "plural"), count


def _key(table: Mapping[str, tuple[str, ...]], word: str | None) -> str | None:
    return next((key for key, words in table.items() if word in words), None) if word else None
