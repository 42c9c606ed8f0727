"""The grammar and its parser are inverse; the logic is exact with respect to scenes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.captions import captions, gold_tiers
from hierarcaps.scenes.grammar import parse, realise
from hierarcaps.scenes.logic import (
    COUNT_VALUES,
    Meaning,
    Phrase,
    contradicts,
    entails,
    meaning_of,
    near_misses,
    one_step_more_general,
    relation,
    true_of,
)  # fmt: skip
from hierarcaps.scenes.scene import Scene, SceneObject, sample_scenes
from hierarcaps.scenes.wording import IMAGE_WORDS


def maybe(values):
    return st.one_of(st.none(), st.sampled_from(values))


# Few values, so that random pairs are often related.
KINDS = ("thing", "animal", "bird", "duck", "owl", "cat", "food", "fruit", "apple", "fish")
phrases = st.builds(
    Phrase, st.sampled_from(KINDS), maybe(COUNT_VALUES),
    maybe(("red", "gray")), maybe(("small", "medium")),
)  # fmt: skip
companions = st.one_of(
    st.just((None, None)),
    st.tuples(st.sampled_from((*taxonomy.RELATIONS, "with")), phrases),
)
meanings = st.builds(
    lambda subject, setting, pair: Meaning(subject, setting, *pair),
    phrases, maybe(("sea", "night")), companions,
)  # fmt: skip
things = st.builds(
    SceneObject, st.sampled_from(("duck", "owl", "cat", "apple", "fish")),
    st.sampled_from(("red", "gray")), st.sampled_from(("small", "medium")),
    st.sampled_from((1, 2, 3)),
)  # fmt: skip
scenes = st.builds(
    lambda a, b, setting, relation: Scene((a, b) if relation else (a,), setting, relation, 0),
    things, things, st.sampled_from(("sea", "night")), maybe(taxonomy.RELATIONS),
)  # fmt: skip
seeds = st.integers(0, 2**32)
many = settings(deadline=None, max_examples=300)


@many
@given(meanings, seeds, st.sampled_from(("web", "plain", "tag")))
def test_parse_inverts_realise(meaning, seed, style):
    assert parse(realise(meaning, Random(seed), style)) == meaning


@many
@given(meanings.filter(lambda meaning: meaning != Meaning()), seeds)
def test_a_plain_caption_does_not_speak_of_the_picture(meaning, seed):
    text = realise(meaning, Random(seed), "plain")
    assert not any(word in text for word in (*IMAGE_WORDS, "there ", "this ", "these "))
    assert not {"many", "several"} & set(text.split())


@pytest.mark.parametrize("kind", taxonomy.KINDS)
def test_parse_inverts_realise_for_every_word(kind):
    rng = Random(kind)
    for _ in range(60):
        meaning = Meaning(
            Phrase(kind, rng.choice((None, *COUNT_VALUES)), rng.choice((None, *taxonomy.COLOURS)),
                   rng.choice((None, *taxonomy.SIZES))),
            rng.choice((None, *taxonomy.SETTINGS)),
        )  # fmt: skip
        text = realise(meaning, rng)
        assert parse(text) == meaning, text


@many
@given(meanings, meanings, meanings)
def test_relations_are_consistent(a, b, c):
    assert entails(a, a)
    assert not (entails(a, b) and contradicts(a, b))
    assert contradicts(a, b) == contradicts(b, a)
    if entails(a, b) and entails(b, c):
        assert entails(a, c)
    if entails(a, b) and contradicts(b, c):
        assert contradicts(a, c)
    if entails(a, b) and entails(b, a):
        assert a == b


@many
@given(meanings, seeds)
def test_generalising_is_transitive_and_strict(meaning, seed):
    rng, current = Random(seed), meaning
    while steps := list(one_step_more_general(current)):
        above = rng.choice(steps)
        assert relation(current, above) == "entailment"
        assert relation(above, current) == "neutral"
        assert entails(meaning, above)
        current = above
    assert current == Meaning()


@many
@given(meanings)
def test_near_misses_contradict(meaning):
    for miss in near_misses(meaning):
        assert relation(meaning, miss) == relation(miss, meaning) == "contradiction"


@many
@given(meanings, meanings, scenes)
def test_logic_agrees_with_scenes(a, b, scene):
    if true_of(a, scene):
        assert not contradicts(a, b) or not true_of(b, scene)
        assert not entails(a, b) or true_of(b, scene)


def _witness(a, b):
    """Return a scene that makes both meanings true, or None, by trying the deepest values."""

    def thing(*said):
        kinds = sorted(
            {each.kind for each in said}, key=lambda kind: -len(taxonomy.ancestors(kind))
        )
        leaf = next(c for c in taxonomy.CONCEPTS if kinds[0] in taxonomy.ancestors(c))
        counts = [each.count for each in said if isinstance(each.count, int)]
        several = any(each.count == "several" for each in said)
        return SceneObject(
            leaf,
            next((each.colour for each in said if each.colour), "red"),
            next((each.size for each in said if each.size), "small"),
            counts[0] if counts else 2 if several else 1,
        )

    with_companion = [each for each in (a, b) if each.companion]
    objects = [thing(a.subject, b.subject)]
    name = None
    if with_companion:
        objects.append(thing(*(each.companion for each in with_companion)))
        name = next((m.relation for m in with_companion if m.relation != "with"), "above")
    return Scene(tuple(objects), a.setting or b.setting or "sea", name, 0)


@many
@given(meanings, meanings)
def test_captions_contradict_only_where_no_scene_makes_both_true(a, b):
    scene = _witness(a, b)
    assert (true_of(a, scene) and true_of(b, scene)) != contradicts(a, b)


@pytest.mark.parametrize(
    ("premise", "hypothesis", "label"),
    [
        ("a red duck on the beach", "a duck", "entailment"),
        ("a duck", "an animal", "entailment"),
        ("a duck", "a bird", "entailment"),
        ("two ducks", "ducks", "entailment"),
        ("two ducks", "a duck", "entailment"),
        ("a pair of cats", "two animals", "entailment"),
        ("a strawberry", "food", "entailment"),
        ("anything at all", "a picture", None),
        ("a cat above a car", "a cat with a vehicle", "entailment"),
        ("a cat above a car", "a picture of a cat", "entailment"),
        ("a duck", "two ducks", "neutral"),
        ("a bird", "a duck", "neutral"),
        ("a red duck", "a duck at night", "neutral"),
        ("a cat", "a cat above a car", "neutral"),
        ("a red car", "a blue car", "contradiction"),
        ("a car", "an animal", "contradiction"),
        ("one duck", "ducks", "contradiction"),
        ("two ducks", "three ducks", "contradiction"),
        ("a duck at night", "a duck on the beach", "contradiction"),
        ("a cat above a car", "a cat below a car", "contradiction"),
        ("a cat with a car", "a cat above a tree", "contradiction"),
    ],
)
def test_examples(premise, hypothesis, label):
    a, b = parse(premise), parse(hypothesis)
    if label is None:
        assert a is None
    else:
        assert relation(a, b) == label


@pytest.mark.parametrize(
    "text",
    ["A  red duck on the BEACH.", "red duck on the beach", "the red duck at the beach",
     "on the beach, a red duck", "a duck that is red on a sandy beach",
     "a photo of a red duck on the beach", "there is a red duck on the beach "],
)  # fmt: skip
def test_wordings_of_one_meaning(text):
    assert parse(text) == Meaning(Phrase("duck", colour="red"), "beach")


@pytest.mark.parametrize(
    "text",
    ["", ".", "a", "an duck", "a apple", "two duck", "a ducks", "a duck duck", "a red blue duck",
     "a duck that are red", "there are a duck", "a unicorn", "a duck in a cave", "duck => bird",
     "a red duck that is red", "a duck above", "a food", "a duck at night at night"],
)  # fmt: skip
def test_text_outside_the_grammar(text):
    assert parse(text) is None


EVERY_LEVEL = dict.fromkeys(("generic", "category", "concept", "attribute", "most", "full"), 1.0)


def test_captions_and_tiers_are_true_and_ordered():
    rng = Random(0)
    for scene in sample_scenes("test", 400, seed=3):
        texts = captions(scene, 6, rng, EVERY_LEVEL)
        tiers = gold_tiers(scene, rng)
        parsed = [parse(text) for text in (*texts, *tiers)]
        assert all(meaning and true_of(meaning, scene) for meaning in parsed), (texts, tiers)
        assert not any(contradicts(a, b) for a in parsed for b in parsed)
        for general, specific in zip(parsed[-4:-1], parsed[-3:], strict=True):
            assert entails(specific, general), tiers
            assert not entails(general, specific), tiers
        assert true_of(meaning_of(scene), scene)


def test_general_tiers_vary_in_wording_and_length():
    rng = Random(0)
    tiers = [gold_tiers(scene, rng) for scene in sample_scenes("test", 600, seed=3)]
    lengths = [[len(text.split()) for text in each] for each in tiers]
    assert len({len_ for len_, *_ in lengths}) >= 4
    not_longer = sum(second <= first for first, second, *_ in lengths) / len(lengths)
    assert 0.4 < not_longer < 0.95
    assert sum(third <= first for first, _, third, _ in lengths) / len(lengths) > 0.1
