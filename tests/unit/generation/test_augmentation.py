"""What the language model is shown, and what becomes of what it writes."""

import pytest
from test_filter_and_recombine import SEEDS

from hierarcaps.generation.prompts import chain
from hierarcaps.generation.seeding import augment, choose_lists, word_pairs

ANIMALS = [("animals", "owls", f"{n} owls", f"{n} owls in a room") for n in ("two", "three", "red")]
ALIKE = [*ANIMALS, SEEDS[-1], *SEEDS[:-1]]
SETTINGS = {
    "prompts": 2, "alike": True, "examples": 4, "completions": 3, "max_new_tokens": 9,
    "temperature": 0.5,
}  # fmt: skip


class Echo:
    """A language model that answers each prompt of a call with the next of its lines."""

    def __init__(self, *lines):
        self.lines = lines
        self.calls = []

    def complete(self, prompts, *, max_new_tokens, temperature, seed):
        self.calls.append((prompts, seed))
        return [self.lines[place % len(self.lines)] for place in range(len(prompts))]


def test_the_seeds_of_a_list_share_their_first_tier_and_first_tiers_take_turns():
    trees = [("a plant", "a tree", f"a {c} tree", f"a {c} tree at night") for c in "abcde"]
    lists = choose_lists([*ALIKE, *trees], 5, 5, alike=True, seed=0)
    assert [each[0][0] for each in lists] == ["a plant", "animals"] * 2 + ["a plant"]
    assert all(len({seed[0] for seed in each}) == 1 for each in lists)
    assert all(len(set(each)) == len(each) for each in lists)
    assert lists[0] != lists[2]


def test_a_first_tier_of_few_seeds_has_no_list():
    assert choose_lists(ANIMALS, 2, 7, alike=True, seed=0) == []
    assert len(choose_lists(ANIMALS, 2, 6, alike=True, seed=0)) == 2
    assert len(choose_lists(ANIMALS, 2, 7, alike=False, seed=0)) == 2
    assert choose_lists([], 2, 3, alike=False, seed=0) == []


def test_lists_of_any_seeds_are_seeded():
    lists = choose_lists(ALIKE, 3, 5, alike=False, seed=1)
    assert lists == choose_lists(ALIKE, 3, 5, alike=False, seed=1)
    assert lists != choose_lists(ALIKE, 3, 5, alike=False, seed=2)
    assert any(len({seed[0] for seed in each}) > 1 for each in lists)
    assert choose_lists(ALIKE, 1, 99, alike=False, seed=1)[0] != []


def test_each_list_is_continued_from_its_own_prompt():
    llm = Echo("x")
    augment(ALIKE, llm, SETTINGS, seed=7)
    (first, seed), (second, other) = llm.calls
    assert len(first) == len(second) == 3
    assert len(set(first)) == 1
    assert set(first[0].splitlines()) == {chain(seed) for seed in ALIKE if seed[0] == "animals"}
    assert (seed, other) == (7, 8)
    assert first[0] != second[0]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("two blue owls at night => two blue owls => owls => animals", None),
        ("Two white owls in a room. => two white owls => owls => animals", "known"),
        ("a cat at night => a gray cat => a cat => an animal", "known"),
        ("two blue owls => owls", "tier_count"),
        ("two blue owls => two blue owls => owls => animals", "repeated_tier"),
        ("", "no_answer"),
    ],
)
def test_what_was_written_before_or_is_held_out_teaches_nothing(output, reason):
    rows = augment(ALIKE, Echo(output), {**SETTINGS, "prompts": 1}, 0, hidden=["A cat at night"])
    assert [row["reason"] for row in rows][:1] == [reason]
    # The same again is known, whatever it was at first.
    assert [row["reason"] for row in rows][1:] == [reason or "known"] * 2
    assert {row["source"] for row in rows} == {"augmentation"}


def test_words_that_no_caption_has_side_by_side_are_not_judged():
    lines = (
        "two red owls at night => two red owls => owls => animals",
        "two owls in the sky => two owls => owls => animals",
    )
    captions = ["Two red boats, at night.", "a kite in the night sky", "red owls at sea"]
    rows = augment(ALIKE, Echo(*lines), {**SETTINGS, "prompts": 1}, 0, attested=captions)
    # "owls at" and "two red" are attested; "the sky" is not: there, "night" is between.
    assert [row["reason"] for row in rows] == [None, "unattested", "known"]
    free = augment(ALIKE, Echo(*lines), {**SETTINGS, "prompts": 1}, 0)
    assert [row["reason"] for row in free] == [None, None, "known"]
    assert word_pairs(["a b, c", "d"]) == {("a", "b"), ("b", "c")}
