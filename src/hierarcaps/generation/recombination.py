"""Recombination of accepted hierarchies by word class, where too few survive to train H.

What it knows is English, not the world: closed classes of colour, size and number words, articles,
and that two hierarchies may exchange

* their nouns, when the second tier is a bare noun that returns in the third and fourth
  (``horse``/``animal`` for ``taxi``/``vehicle``), and
* what the fourth tier adds after the third (``... in a field`` for ``... next to a red car``).

A noun may also change its number (``horses``/``animals`` for ``a horse``/``an animal``) by the
regular rules, where the captions attest the other form. Everything else comes from the accepted
seeds; every result goes through the NLI filter like any other.
The datasheet discloses this list.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import pandas as pd

from hierarcaps.generation.filtering import Thresholds, filter_positives
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import text_key, words
from hierarcaps.nli import NLIModel

KNOWLEDGE = (
    "closed classes of English colour, size and number words; articles; that nouns of two "
    "hierarchies, and what their last tiers add, can be exchanged; regular plurals, where attested"
)
CLASSES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("red",), ("orange",), ("yellow",), ("green",), ("blue",), ("purple",), ("pink",),
        ("brown",), ("black",), ("white",), ("gray", "grey"),
    ),
    (("tiny", "small", "little"), ("medium-sized",), ("large", "big", "huge")),
    (("two",), ("three",)),
)  # fmt: skip
"""Word classes; inside a class, groups of synonyms that must change together."""

_DETERMINER = re.compile(
    r"(?:(an?|the|one|two|three|some|several|many|a single|a pair of|a couple of) )?(.+)"
)
_KNOWN_BEFORE_NOUN = {
    "a", "an", "the", "one", "some", "several", "many", "single", "of",
    *(word for groups in CLASSES for group in groups for word in group),
}  # fmt: skip
# A relative clause agrees in number with its noun, so it does not fit any other.
_RELATIVE = ("that ", "which ", "who ")
_HISSING = ("s", "x", "z", "ch", "sh", "o")
_ARTICLE = re.compile(r"\b(an?) (?=(\w))")
Tiers = tuple[str, ...]


@dataclass(frozen=True)
class _Noun:
    """The noun of a hierarchy: tier 1 whole, and tier 2 in two parts."""

    general: str
    determiner: str
    noun: str

    @property
    def form(self) -> tuple[bool, bool]:
        """What two nouns must share to be exchanged: an article, and a plural's ending."""
        return self.determiner in ("a", "an"), self.noun.endswith("s")


def recombine(
    seeds: Sequence[Sequence[str]], size: int, seed: int, attested: Iterable[str] = ()
) -> list[Tiers]:
    """Return up to ``size`` new hierarchies made from ``seeds``, all distinct.

    Args:
        seeds: accepted hierarchies, general -> specific.
        size: how many to make; fewer where the seeds do not yield as many.
        seed: of the choices.
        attested: words that occur in captions; nouns take another number only if it is among them.
    """
    rng = Random(f"recombination/{seed}")
    chains = [tuple(chain) for chain in seeds]
    if not chains:
        return []
    nouns = [noun for chain in chains if (noun := _noun_of(chain))]
    known = {*attested, *(word for chain in chains for tier in chain for word in words(tier))}
    renumbered = (other for noun in nouns if (other := _renumbered(noun, known)))
    nouns += [noun for noun in dict.fromkeys(renumbered) if noun not in nouns]
    additions = [added for chain in chains if (added := _addition(chain))]
    seen = {_key(chain) for chain in chains}
    made: list[Tiers] = []
    for _ in range(20 * size):
        if len(made) == size:
            break
        chain = rng.choice(chains)
        if nouns and rng.random() < 0.9:
            chain = _with_noun(chain, nouns, rng)
        if additions and rng.random() < 0.7:
            chain = _with_addition(chain, additions, rng)
        chain = _with_words(chain, rng)
        if _key(chain) not in seen and len({text_key(tier) for tier in chain}) == len(chain):
            seen.add(_key(chain))
            made.append(chain)
    return made


def fill_up(
    chains: Sequence[Sequence[str]],
    attested: Iterable[str],
    size: int,
    seed: int,
    nli: NLIModel,
    thresholds: Thresholds,
) -> pd.DataFrame:
    """Recombine ``chains`` until there are ``size`` in all, and filter what was made.

    Returns:
        One row of ``shards.COLUMNS`` for each made; ``attested`` are words of captions.
    """
    made = recombine(chains, max(0, size - len(chains)), seed, attested)
    rows = [{"caption": c[-1], "tiers": c, "source": "recombination"} for c in made]
    return filter_positives(make_table(rows), nli, thresholds)


def _key(chain: Tiers) -> tuple[str, ...]:
    return tuple(text_key(tier) for tier in chain)


def _noun_of(chain: Tiers) -> _Noun | None:
    """Return the noun of a hierarchy, None where it may be part of a longer name (palm *tree*)."""
    match = _DETERMINER.fullmatch(chain[1])
    if match is None or not all(_contains(tier, match[2]) for tier in chain[2:]):
        return None
    before = re.search(rf"([\w-]+) {re.escape(match[2])}(?![\w-])", chain[2])
    if before and before[1].lower() not in _KNOWN_BEFORE_NOUN:
        return None
    return _Noun(chain[0], match[1] or "", match[2])


def _renumbered(noun: _Noun, known: set[str]) -> _Noun | None:
    """Return the noun in the other number, None where its form is irregular or not attested."""
    single, plural = noun.form
    if single == plural:
        return None
    other = _other_number(noun.noun, plural, known)
    article, _, kind = noun.general.rpartition(" ")
    if plural and noun.general.endswith("s"):
        general = _other_number(noun.general, True, known)
        general = general and _articled(f"a {general}")
    elif single and article in ("a", "an"):
        general = _other_number(kind, False, known)
    else:
        general = noun.general  # food, furniture: no number
    if other is None or general is None:
        return None
    return _Noun(general, "a" if plural else "", other)


def _other_number(text: str, plural: bool, known: set[str]) -> str | None:
    """Return ``text`` with its last word in the singular (if ``plural``) or else in the plural."""
    start, _, word = text.rpartition(" ")
    stem = word[:-1]
    forms: list[str] = []
    if plural and word.endswith("s"):
        forms = [stem]
        forms += [word[:-2]] * word[:-2].endswith(_HISSING)
        forms += [f"{word[:-3]}y"] * word.endswith("ies")
    elif not plural:
        forms = [f"{word}es"] if word.endswith(_HISSING) else [f"{word}s"]
        forms += [f"{stem}ies"] * word.endswith("y")
    form = next((form for form in forms if form in known), None)
    return form and f"{start} {form}".strip()


def _contains(text: str, part: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", text) is not None


def _with_noun(chain: Tiers, nouns: Sequence[_Noun], rng: Random) -> Tiers:
    own = _noun_of(chain)
    if own is None:
        return chain
    other = rng.choice(nouns)
    if other.form != own.form or other.noun == own.noun:
        return chain
    pattern = re.compile(rf"(?<![\w-]){re.escape(own.noun)}(?![\w-])")
    rest = [_articled(pattern.sub(lambda _: other.noun, tier, count=1)) for tier in chain[1:]]
    return (other.general, *rest)


def _addition(chain: Tiers) -> str | None:
    """Return what the last tier adds after the one before, None where it changes it too."""
    third, fourth = chain[-2:]
    added = fourth.removeprefix(third + " ")
    return None if added == fourth or added.startswith(_RELATIVE) else added


def _with_addition(chain: Tiers, additions: Sequence[str], rng: Random) -> Tiers:
    if _addition(chain) is None:
        return chain
    return (*chain[:-1], f"{chain[-2]} {rng.choice(additions)}")


def _with_words(chain: Tiers, rng: Random) -> Tiers:
    """Exchange the words of each class by one permutation of its groups, in all tiers alike."""
    mapping: dict[str, str] = {}
    for groups in CLASSES:
        targets = rng.sample(groups, len(groups))
        for group, target in zip(groups, targets, strict=True):
            mapping |= {word: rng.choice(target) for word in group}
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(mapping)})(?![\w-])")

    def exchanged(text: str) -> str:
        return _articled(pattern.sub(lambda match: mapping[match.group()], text))

    added = _addition(chain)
    if added is None:
        return tuple(map(exchanged, chain))
    # What the last tier adds stays as it is: a "green field" is a field before it is green.
    return (*map(exchanged, chain[:-1]), f"{exchanged(chain[-2])} {added}")


def _articled(text: str) -> str:
    """Make each ``a`` or ``an`` agree with the letter after it, by the vowel rule."""
    return _ARTICLE.sub(lambda match: "an " if match[2] in "aeiou" else "a ", text)
