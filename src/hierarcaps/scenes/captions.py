"""What is said of a scene: web-like captions of mixed specificity, and the gold hierarchy."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.grammar import realise
from hierarcaps.scenes.logic import SEVERAL, Count, Meaning, Phrase, meaning_of
from hierarcaps.scenes.scene import Scene


def captions(scene: Scene, number: int, rng: Random, mix: Mapping[str, float]) -> list[str]:
    """Return ``number`` independent web-like captions, true of the scene.

    ``mix`` gives the shares of the levels: generic ("a picture"), category (or a middle level),
    concept, attribute (the concept and one or two attributes), most (all but one or two of what
    there is to say), full.
    """
    levels = rng.choices(tuple(mix), tuple(mix.values()), k=number)
    return [realise(_LEVELS[level](meaning_of(scene), rng), rng) for level in levels]


def gold_tiers(scene: Scene, rng: Random) -> tuple[str, str, str, str]:
    """Return the caption hierarchy of a scene, general to specific.

    Category or middle level, concept, concept and attributes, full caption, in plain words; each
    text strictly entails the one before.
    """
    truth = meaning_of(scene)
    general = _at_category(truth, rng)
    concept = _at_concept(truth, rng)
    detailed = _at_attribute(truth, rng, settings=False)
    full = _at_full(truth, rng)
    subject = replace(full.subject, size=detailed.subject.size or full.subject.size)
    meanings = (general, concept, detailed, replace(full, subject=subject))
    first, second, third, fourth = (realise(meaning, rng, "plain") for meaning in meanings)
    return first, second, third, fourth


def _at_generic(truth: Meaning, rng: Random) -> Meaning:
    return Meaning()


def _at_category(truth: Meaning, rng: Random) -> Meaning:
    above = taxonomy.ancestors(truth.subject.kind)[1:-1]
    kind = above[0] if len(above) > 1 and rng.random() < 0.3 else above[-1]
    count = _loose_count(truth.subject.count)
    if taxonomy.NOUNS[kind].mass and rng.random() < 0.7:
        count = None
    return Meaning(Phrase(kind, count))


def _at_concept(truth: Meaning, rng: Random) -> Meaning:
    return Meaning(Phrase(truth.subject.kind, _loose_count(truth.subject.count)))


def _loose_count(count: Count | None) -> Count | None:
    return None if count == 1 else SEVERAL


def _at_attribute(truth: Meaning, rng: Random, settings: bool = True) -> Meaning:
    """Say the concept and one attribute (at times two), the colour most often."""
    weights = {"colour": 0.6, "size": 0.2 if truth.subject.size != "medium" else 0.03}
    if settings:
        weights["setting"] = 0.3
    if truth.subject.count != 1:
        weights["count"] = 0.3
    chosen = {rng.choices(tuple(weights), tuple(weights.values()))[0]}
    if rng.random() < 0.2:
        chosen.add(rng.choices(tuple(weights), tuple(weights.values()))[0])
    return _with_attributes(truth, chosen)


def _with_attributes(truth: Meaning, chosen: set[str]) -> Meaning:
    full = truth.subject
    phrase = Phrase(
        full.kind,
        full.count if "count" in chosen else _loose_count(full.count),
        full.colour if "colour" in chosen else None,
        full.size if "size" in chosen else None,
    )
    meaning = Meaning(phrase, truth.setting if "setting" in chosen else None)
    if "companion" in chosen:
        meaning = replace(meaning, relation=truth.relation, companion=truth.companion)
    return meaning


def _sayable(truth: Meaning, rng: Random) -> list[str]:
    """List what people mention: seldom that there is one thing, or that it is medium-sized."""
    sayable = ["colour", "setting"]
    if truth.companion:
        sayable.append("companion")
    if truth.subject.count != 1 or rng.random() < 0.05:
        sayable.append("count")
    if rng.random() < (0.1 if truth.subject.size == "medium" else 0.6):
        sayable.append("size")
    return sayable


def _plain_companion(meaning: Meaning, rng: Random) -> Meaning:
    if meaning.companion is None:
        return meaning
    kind, colour = meaning.companion.kind, meaning.companion.colour
    return replace(meaning, companion=Phrase(kind, colour=colour if rng.random() < 0.6 else None))


def _at_most(truth: Meaning, rng: Random) -> Meaning:
    sayable = _sayable(truth, rng)
    sayable.remove(rng.choice(sayable))
    return _plain_companion(_with_attributes(truth, set(sayable)), rng)


def _at_full(truth: Meaning, rng: Random) -> Meaning:
    return _plain_companion(_with_attributes(truth, set(_sayable(truth, rng))), rng)


_LEVELS: dict[str, Callable[[Meaning, Random], Meaning]] = {
    "generic": _at_generic, "category": _at_category, "concept": _at_concept,
    "attribute": _at_attribute, "most": _at_most, "full": _at_full,
}  # fmt: skip
