"""Labelled caption pairs of the drawn world, shaped like the checks that the filters make.

A filter never asks about two random captions. It asks about a caption and its own generalisation,
or about two captions that share a parent and differ in one thing. So pairs are made from one
meaning by small steps, and the label is computed by the world's logic, never assumed from the way
the pair was made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.grammar import realise
from hierarcaps.scenes.logic import (
    COUNT_VALUES,
    SEVERAL,
    Meaning,
    Phrase,
    contradicts,
    one_step_more_general,
    relation,
)

KIND_SHARES = {
    # hypothesis says less than the premise: each tier against the one before
    "general": 0.15,
    # hypothesis says more than the premise: neutral, unless nothing was left out
    "reverse": 0.09,
    # one attribute changed, nothing else: a negative against its positive
    "near_miss": 0.17,
    # one attribute changed, then some said less on either side
    "blurred_miss": 0.16,
    # two different generalisations of one meaning
    "siblings": 0.10,
    # the second object in place of the first, wholly or in one attribute
    "exchanged": 0.11,
    # two captions that have nothing to do with each other
    "unrelated": 0.12,
    # a generalisation that counts on its own account: "animals" of "a penguin"
    "recounted": 0.10,
}


BARE_SHARE = 0.2
"""Share of pairs with little but a noun."""


@dataclass(frozen=True)
class LabelledPair:
    """A premise, a hypothesis and their relation.

    Attributes:
        label: entailment, neutral or contradiction.
        attributes: the relation in each attribute (see ``ATTRIBUTES``), as an index of a label.
        kind: the way the pair was made (a key of ``KIND_SHARES``).
    """

    premise: str
    hypothesis: str
    label: str
    attributes: tuple[int, ...]
    kind: str


@dataclass(frozen=True)
class _Options:
    detail: float
    companion_share: float


def sample_pairs(
    size: int, seed: int | str, detail: float = 1.0, companion_share: float = 0.3
) -> Iterator[LabelledPair]:
    """Yield ``size`` pairs; the same arguments give the same pairs.

    Args:
        size: number of pairs.
        seed: of meanings and wording.
        detail: in [0, 1]; scales how often an attribute is said. Little detail makes short, easy
            pairs that teach the relations between words.
        companion_share: share of meanings with a second object.
    """
    options, bare = _Options(detail, companion_share), _Options(0.3, 0.0)
    rng = Random(f"nli/{seed}")
    kinds, shares = tuple(KIND_SHARES), tuple(KIND_SHARES.values())
    for kind in rng.choices(kinds, shares, k=size):
        # Two bare nouns are the check of tier 2 against tier 1, and rare among full captions.
        chosen = bare if rng.random() < BARE_SHARE else options
        a, b = _pair(kind, sample_meaning(rng, chosen), rng, chosen)
        yield LabelledPair(
            realise(a, rng), realise(b, rng), relation(a, b), attribute_relations(a, b), kind
        )


def sample_meaning(rng: Random, options: _Options) -> Meaning:
    """Return a random meaning: mostly a concept, with any set of attributes."""
    subject = _sample_phrase(rng, options)
    setting = rng.choice(taxonomy.SETTINGS) if rng.random() < 0.5 * options.detail else None
    if rng.random() >= options.companion_share:
        return Meaning(subject, setting)
    name = rng.choice((*taxonomy.RELATIONS, *taxonomy.RELATIONS, taxonomy.ANY_RELATION))
    return Meaning(subject, setting, name, _sample_phrase(rng, options))


def _sample_phrase(rng: Random, options: _Options) -> Phrase:
    kinds = taxonomy.CONCEPTS if rng.random() < 0.8 else taxonomy.KINDS
    return Phrase(
        kind=rng.choice(tuple(kinds)),
        count=rng.choice(COUNT_VALUES) if rng.random() < 0.35 * options.detail else None,
        colour=rng.choice(taxonomy.COLOURS) if rng.random() < 0.5 * options.detail else None,
        size=rng.choice(taxonomy.SIZES) if rng.random() < 0.4 * options.detail else None,
    )


def _pair(kind: str, meaning: Meaning, rng: Random, options: _Options) -> tuple[Meaning, Meaning]:
    if kind == "general":
        return meaning, _generalised(meaning, rng)
    if kind == "reverse":
        return _generalised(meaning, rng), meaning
    if kind == "near_miss":
        return _in_either_order(meaning, _near_miss(meaning, rng), rng)
    if kind == "blurred_miss":
        miss = _near_miss(meaning, rng)
        first = _generalised(meaning, rng) if rng.random() < 0.5 else meaning
        return _in_either_order(first, _generalised(miss, rng), rng)
    if kind == "siblings":
        return _generalised(meaning, rng), _generalised(meaning, rng)
    if kind == "recounted":
        return meaning, _recounted(meaning, rng)
    if kind == "exchanged" and options.companion_share > 0:
        return _in_either_order(meaning, _exchanged(meaning, rng, options), rng)
    return meaning, sample_meaning(rng, options)


def _in_either_order(a: Meaning, b: Meaning, rng: Random) -> tuple[Meaning, Meaning]:
    return (a, b) if rng.random() < 0.5 else (b, a)


def _generalised(meaning: Meaning, rng: Random) -> Meaning:
    """Take one to four steps up; often drop the second object at once, as captions do."""
    if meaning.companion and rng.random() < 0.4:
        meaning = replace(meaning, relation=None, companion=None)
        if rng.random() < 0.3:
            return meaning
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        above = list(one_step_more_general(meaning))
        if not above:
            break
        meaning = rng.choice(above)
    return meaning


def _recounted(meaning: Meaning, rng: Random) -> Meaning:
    """Generalise, and let the subject be several (or any other number) whatever it was."""
    general = _generalised(meaning, rng)
    count = SEVERAL if rng.random() < 0.6 else rng.choice(COUNT_VALUES)
    return replace(general, subject=replace(general.subject, count=count))


def _near_miss(meaning: Meaning, rng: Random) -> Meaning:
    """Change the value of one attribute so that the two contradict.

    Attributes are equally likely whatever the number of their values, unlike in a plain choice
    from ``logic.near_misses``, where most are changes of kind.
    """
    attributes = [("subject", name) for name in _said(meaning.subject)]
    attributes += [("", "setting")] * (2 if meaning.setting else 0)
    if meaning.companion:
        attributes += [("companion", name) for name in _said(meaning.companion)]
        attributes += [("", "relation")] * (meaning.relation != taxonomy.ANY_RELATION)
    if not attributes:
        return meaning
    holder, name = rng.choice(attributes)
    while True:
        value = rng.choice(_VALUES[name])
        changed: dict[str, Any] = {name: value}
        if holder:
            changed = {holder: replace(getattr(meaning, holder), **changed)}
        miss = replace(meaning, **changed)
        if contradicts(miss, meaning):
            return miss


_VALUES: dict[str, tuple[Any, ...]] = {
    "kind": (*taxonomy.PARENTS,),
    "count": COUNT_VALUES,
    "colour": taxonomy.COLOURS,
    "size": taxonomy.SIZES,
    "setting": taxonomy.SETTINGS,
    "relation": taxonomy.RELATIONS,
}


def _said(phrase: Phrase) -> list[str]:
    """Return the names of the attributes that have a value."""
    kind = [] if phrase.kind == taxonomy.ROOT else ["kind"]
    return kind + [name for name in ("count", "colour", "size") if getattr(phrase, name)]


def _exchanged(meaning: Meaning, rng: Random, options: _Options) -> Meaning:
    if meaning.companion is None:
        companion = _sample_phrase(rng, options)
        return replace(meaning, relation=rng.choice(taxonomy.RELATIONS), companion=companion)
    draw = rng.random()
    if draw < 0.3:
        return replace(meaning, subject=meaning.companion, companion=meaning.subject)
    if draw < 0.65:
        # The typical fault of a language model: the second object taken for the subject.
        alone = Meaning(meaning.companion, meaning.setting if rng.random() < 0.5 else None)
        return _generalised(alone, rng) if rng.random() < 0.5 else alone
    # The colours change places: each object keeps its words but for the order of two of them.
    subject = replace(meaning.subject, colour=meaning.companion.colour)
    companion = replace(meaning.companion, colour=meaning.subject.colour)
    return replace(meaning, subject=subject, companion=companion)


def attribute_relations(premise: Meaning, hypothesis: Meaning) -> tuple[int, ...]:
    """Return the relation in each attribute: 0 entailment, 1 neutral, 2 contradiction.

    A pair is a contradiction iff some attribute is, and an entailment iff all are.
    """
    return (
        *_phrase_relations(premise.subject, hypothesis.subject),
        *_phrase_relations(premise.companion or Phrase(), hypothesis.companion or Phrase()),
        _value_relation(premise.setting, hypothesis.setting),
        _relation_relation(premise.relation, hypothesis.relation),
    )


def _phrase_relations(a: Phrase, b: Phrase) -> tuple[int, int, int, int]:
    if b.kind in taxonomy.ancestors(a.kind):
        kind = 0
    else:
        kind = 1 if a.kind in taxonomy.ancestors(b.kind) else 2
    if b.count == SEVERAL and a.count in (2, 3):
        count = 0
    elif a.count == SEVERAL and b.count in (2, 3):
        count = 1
    else:
        count = _value_relation(a.count, b.count)
    return kind, count, _value_relation(a.colour, b.colour), _value_relation(a.size, b.size)


def _value_relation(a: Any, b: Any) -> int:
    if b is None or a == b:
        return 0
    return 1 if a is None else 2


def _relation_relation(a: str | None, b: str | None) -> int:
    if taxonomy.ANY_RELATION in (a, b) and a is not None:
        return 0 if b in (None, taxonomy.ANY_RELATION) else 1
    return _value_relation(a, b)
