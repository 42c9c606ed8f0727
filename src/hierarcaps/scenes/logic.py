"""The meaning of captions, and the exact entailment relation between any two of them.

A caption is read as a statement about *one* picture, the same for both captions, and about its
*main subject*, the thing named first (the convention of SNLI-style data). A meaning is therefore a
record of attributes, and each attribute's values form a tree whose root is "not said":

* kind: thing > category > (middle level >) concept;
* count: not said > {one, several > {two, three}}. "a duck" says that there is a duck, not how many
  (so "two ducks" entails it); "one duck" says how many; a plural means at least two;
* colour, size, setting: not said > each value;
* companion: not said > a second thing, with the same attributes as the subject (but no setting),
  and a relation: with > {above, below, next to}.

``a`` **entails** ``b`` iff in every attribute the value of ``a`` is that of ``b`` or below it.
``a`` **contradicts** ``b`` iff in some attribute neither value is the other or below it: one
picture cannot have both. Two different colours of the subject contradict, as do two settings or two
kinds in different branches. A picture has at most one companion, so two companions that cannot be
the same thing contradict; to be silent about a companion is neutral, never a contradiction.

From the trees it follows that entailment is reflexive and transitive, that contradiction is
symmetric and inherited by whatever entails a contradicted caption, and that no pair has both
relations. The rules are exact with respect to scenes: ``a`` entails ``b`` iff each possible scene
of which ``a`` is true makes ``b`` true, and ``a`` contradicts ``b`` iff none makes both true.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.scene import Scene, SceneObject

SEVERAL = "several"
COUNT_VALUES = (1, SEVERAL, 2, 3)

Count = int | str  # one of COUNT_VALUES
Relation = Literal["entailment", "neutral", "contradiction"]


@dataclass(frozen=True)
class Phrase:
    """What a noun phrase says of a thing; None: not said."""

    kind: str = taxonomy.ROOT
    count: Count | None = None
    colour: str | None = None
    size: str | None = None


@dataclass(frozen=True)
class Meaning:
    """What a caption says; ``relation`` and ``companion`` are both None or both said."""

    subject: Phrase = Phrase()
    setting: str | None = None
    relation: str | None = None
    companion: Phrase | None = None

    def __post_init__(self) -> None:
        if (self.relation is None) != (self.companion is None):
            raise ValueError("a relation needs a companion and the other way round")


def meaning_of(scene: Scene) -> Meaning:
    """Return the whole truth about a scene: the most specific meaning that is true of it."""
    companion = _phrase_of(scene.companion) if scene.companion else None
    return Meaning(_phrase_of(scene.subject), scene.setting, scene.relation, companion)


def _phrase_of(thing: SceneObject) -> Phrase:
    return Phrase(thing.concept, thing.count, thing.colour, thing.size)


def true_of(meaning: Meaning, scene: Scene) -> bool:
    """Return whether a caption of this meaning is true of the scene."""
    return entails(meaning_of(scene), meaning)


def entails(premise: Meaning, hypothesis: Meaning) -> bool:
    """Return whether ``hypothesis`` is true of every picture of which ``premise`` is."""
    if not _phrase_entails(premise.subject, hypothesis.subject):
        return False
    if hypothesis.setting not in (None, premise.setting):
        return False
    if hypothesis.companion is None:
        return True
    if premise.companion is None:
        return False
    return hypothesis.relation in (taxonomy.ANY_RELATION, premise.relation) and _phrase_entails(
        premise.companion, hypothesis.companion
    )


def contradicts(a: Meaning, b: Meaning) -> bool:
    """Return whether no picture makes both true."""
    if _phrases_clash(a.subject, b.subject) or _clash(a.setting, b.setting):
        return True
    if a.companion is None or b.companion is None:
        return False
    loose = taxonomy.ANY_RELATION in (a.relation, b.relation)
    return (not loose and a.relation != b.relation) or _phrases_clash(a.companion, b.companion)


def relation(a: Meaning, b: Meaning) -> Relation:
    """Return the label of the pair (premise ``a``, hypothesis ``b``)."""
    if entails(a, b):
        return "entailment"
    return "contradiction" if contradicts(a, b) else "neutral"


def _phrase_entails(a: Phrase, b: Phrase) -> bool:
    return (
        b.kind in taxonomy.ancestors(a.kind)
        and _count_entails(a.count, b.count)
        and b.colour in (None, a.colour)
        and b.size in (None, a.size)
    )


def _phrases_clash(a: Phrase, b: Phrase) -> bool:
    kinds_clash = a.kind not in taxonomy.ancestors(b.kind) and b.kind not in taxonomy.ancestors(
        a.kind
    )
    counts_clash = not _count_entails(a.count, b.count) and not _count_entails(b.count, a.count)
    return kinds_clash or counts_clash or _clash(a.colour, b.colour) or _clash(a.size, b.size)


def _count_entails(a: Count | None, b: Count | None) -> bool:
    return b in (None, a) or (b == SEVERAL and a in (2, 3))


def _clash(a: str | None, b: str | None) -> bool:
    return a is not None and b is not None and a != b


def one_step_more_general(meaning: Meaning) -> Iterator[Meaning]:
    """Yield every meaning that says exactly one thing less (or one level of a tree less)."""
    for subject in _phrases_above(meaning.subject):
        yield replace(meaning, subject=subject)
    if meaning.setting:
        yield replace(meaning, setting=None)
    if meaning.companion:
        if meaning.relation != taxonomy.ANY_RELATION:
            yield replace(meaning, relation=taxonomy.ANY_RELATION)
        elif meaning.companion == Phrase():
            yield replace(meaning, relation=None, companion=None)
        for companion in _phrases_above(meaning.companion):
            yield replace(meaning, companion=companion)


def near_misses(meaning: Meaning) -> Iterator[Meaning]:
    """Yield every meaning that differs in the value of one attribute and contradicts this one."""
    for subject in _phrases_beside(meaning.subject):
        yield replace(meaning, subject=subject)
    for setting in taxonomy.SETTINGS:
        if _clash(setting, meaning.setting):
            yield replace(meaning, setting=setting)
    if meaning.companion:
        for companion in _phrases_beside(meaning.companion):
            yield replace(meaning, companion=companion)
        for other in taxonomy.RELATIONS:
            if meaning.relation not in (other, taxonomy.ANY_RELATION):
                yield replace(meaning, relation=other)


def _phrases_above(phrase: Phrase) -> Iterator[Phrase]:
    if phrase.kind != taxonomy.ROOT:
        yield replace(phrase, kind=taxonomy.PARENTS[phrase.kind])
    if phrase.count is not None:
        count: Count | None = SEVERAL if phrase.count in (2, 3) else None
        yield replace(phrase, count=count)
    if phrase.colour:
        yield replace(phrase, colour=None)
    if phrase.size:
        yield replace(phrase, size=None)


def _phrases_beside(phrase: Phrase) -> Iterator[Phrase]:
    changes = [replace(phrase, kind=kind) for kind in taxonomy.KINDS]
    if phrase.count is not None:
        changes += [replace(phrase, count=count) for count in COUNT_VALUES]
    if phrase.colour:
        changes += [replace(phrase, colour=colour) for colour in taxonomy.COLOURS]
    if phrase.size:
        changes += [replace(phrase, size=size) for size in taxonomy.SIZES]
    yield from (change for change in changes if _phrases_clash(phrase, change))
