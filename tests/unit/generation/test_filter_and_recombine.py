import numpy as np
import pytest

from hierarcaps.generation.filtering import (
    Thresholds,
    accepted,
    contradicts,
    count_reasons,
    entails,
    filter_positives,
)
from hierarcaps.generation.oracle import negative_faults, positive_faults, score
from hierarcaps.generation.recombination import recombine
from hierarcaps.generation.shards import make_table
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.logic import relation

THRESHOLDS = Thresholds(entailment=0.9, contradiction=0.9, equivalence=0.5)
GOOD = ("an animal", "a duck", "a red duck", "a red duck on the beach")
SEEDS = [
    GOOD,
    ("a vehicle", "a car", "a small blue car", "a small blue car in the snow"),
    ("a vehicle", "a truck", "a truck that is black", "a truck that is black at night"),
    ("toys", "balls", "two green balls", "two green balls next to a yellow lamp"),
    ("animals", "owls", "two white owls", "two white owls in a room"),
]


class LogicNLI:
    """The oracle in the shape of an NLI model, so that filters can be tested alone."""

    def __init__(self, longest=10**6):
        self.longest = longest

    def is_too_long(self, pair):
        return len("".join(pair)) > self.longest

    def probabilities(self, pairs):
        columns = ("entailment", "neutral", "contradiction")
        rows = []
        for premise, hypothesis in pairs:
            a, b = parse(premise), parse(hypothesis)
            label = relation(a, b) if a and b else "neutral"
            rows.append([float(label == column) for column in columns])
        return np.array(rows, dtype=np.float32).reshape(-1, 3)


@pytest.mark.parametrize(
    ("tiers", "reason"),
    [
        (GOOD, None),
        (("a vehicle", *GOOD[1:]), "tier2_not_entailing"),
        ((*GOOD[:2], "a red car", GOOD[3]), "tier3_not_entailing"),
        ((*GOOD[:3], "the red duck"), "tier4_nothing_new"),
        ((*GOOD[:3], "zzz"), "tier4_not_entailing"),
    ],
)
def test_the_first_fault_is_the_reason(tiers, reason):
    table = make_table([{"tiers": tiers}, {"tiers": None, "reason": "tier_count"}])
    filtered = filter_positives(table, LogicNLI(), THRESHOLDS)
    assert filtered["reason"].tolist() == [reason, "tier_count"]
    assert len(accepted(filtered)) == (reason is None)
    assert sum(count_reasons(filtered).values()) == 2


def test_what_the_nli_model_cannot_read_is_counted_by_itself():
    table = make_table([{"tiers": (*GOOD[:2], "a red car " * 9, GOOD[3])}, {"tiers": GOOD}])
    reasons = filter_positives(table, LogicNLI(longest=80), THRESHOLDS)["reason"]
    assert reasons.tolist() == ["tier3_unread", None]


def test_an_empty_table_and_equivalence_switched_off():
    assert filter_positives(make_table([]), LogicNLI(), THRESHOLDS).empty
    table = make_table([{"tiers": (*GOOD[:3], "the red duck")}])
    loose = Thresholds(entailment=0.9, contradiction=0.9, equivalence=1.01)
    assert filter_positives(table, LogicNLI(), loose)["reason"].tolist() == [None]


def test_contradiction_must_hold_both_ways():
    class OneWay:
        def probabilities(self, pairs):
            rows = [[0, 1, 0] if a < b else [0, 0, 1] for a, b in pairs]
            return np.array(rows, dtype=np.float32)

    assert contradicts(OneWay(), [("b", "a")], THRESHOLDS).tolist() == [False]
    pairs = [("a red duck", "a blue duck"), ("a red duck", "a duck")]
    assert contradicts(LogicNLI(), pairs, THRESHOLDS).tolist() == [True, False]
    assert entails(LogicNLI(), pairs, THRESHOLDS).tolist() == [False, True]


def test_thresholds_are_checked():
    section = {"entailment": 0.9, "contradiction": 0.9, "equivalence": 0.5}
    assert Thresholds.from_params(section) == THRESHOLDS
    with pytest.raises(InputError, match=r"nli\.thresholds\.contradiction: found 2"):
        Thresholds.from_params(section | {"contradiction": 2})


def test_recombined_hierarchies_are_new_seeded_and_mostly_right():
    made = recombine(SEEDS, 200, seed=1)
    assert made == recombine(SEEDS, 200, seed=1)
    assert made != recombine(SEEDS, 200, seed=2)
    assert len(set(made)) == len(made) == 200
    assert not set(made) & set(SEEDS)
    right = [not any(positive_faults(chain)) for chain in made]
    assert np.mean(right) > 0.95
    assert {chain[1] for chain in made} == {chain[1] for chain in SEEDS}
    assert any("an orange" in chain[2] for chain in made)


def test_nouns_change_their_number_where_the_captions_attest_it():
    attested = ["ducks", "animals", "an", "owl", "balls", "cares", "vehicles"]
    nouns = {chain[:2] for chain in recombine(SEEDS, 400, 0, attested)}
    assert {("animals", "ducks"), ("an animal", "an owl")} <= nouns
    assert not any("car" in word and word != "a car" for _, word in nouns)
    made = recombine(SEEDS, 400, 0, attested)
    assert np.mean([not any(positive_faults(chain)) for chain in made]) > 0.95


def test_recombination_of_nothing_and_of_odd_seeds():
    assert recombine([], 5, 0) == []
    odd = ("person", "woman on a phone", "woman in a coat", "A woman is talking on her phone.")
    assert recombine([odd], 5, 0) == []
    right_to_left = ("חיה", "ברווז", "ברווז קטן", "ברווז קטן 👨‍👩‍👧 <b>")
    assert all(len(chain) == 4 for chain in recombine([right_to_left, GOOD], 50, 0))


def test_the_oracle_finds_each_fault_in_its_place():
    negatives = ["a vehicle", "an owl", "a blue duck", "a red duck in the snow"]
    assert not any(positive_faults(GOOD))
    assert not any(negative_faults(GOOD, negatives))
    for tier, wrong in enumerate(["a picture", "a vehicle", "a small duck", "a duck in the snow"]):
        changed = [*negatives]
        changed[tier] = wrong
        assert [i for i, bad in enumerate(negative_faults(GOOD, changed)) if bad] == [tier]
    assert positive_faults(("an animal", "a duck", "a ducks", "a red duck")) == [0, 0, 1, 1]
    table = make_table(
        [{"tiers": GOOD, "negatives": negatives}, {"tiers": GOOD, "negatives": changed}]
    )
    result = score(table)
    assert (result["positives"], result["all_eight"]) == (1.0, 0.5)
    assert result["negative_tiers"] == [1, 1, 1, 0.5]
    assert len(result["wrong"]) == 1
    assert score(make_table([])) == {"n": 0}
