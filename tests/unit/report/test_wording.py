import pytest

from hierarcaps.report.study import Estimate
from hierarcaps.report.wording import (
    count,
    first_seed,
    listed,
    number,
    replications,
    seeds,
    signed,
    signed_interval,
    signed_span,
    span,
    varied,
)


def test_numbers_are_set_in_one_way():
    assert number(-0.0001) == "0.000"
    assert number(-0.25) == "−0.250"
    assert str(Estimate(0.5, -0.1, 0.9, 7)) == "0.500 [−0.100, 0.900]"
    assert count(1, "model") == "1 model"
    assert count(2000, "hierarchy", "hierarchies") == "2,000 hierarchies"


def test_changes_have_a_sign():
    assert [signed(value) for value in (0.0123, -0.5, 0.0001, -0.0001)] == [
        "+0.012", "−0.500", "0.000", "0.000",
    ]  # fmt: skip
    assert signed_interval(-0.01, 0.02) == "[−0.010, +0.020]"
    assert signed_span([0.03, -0.01, 0.02]) == "−0.010 to +0.030"
    assert signed_span([0.0301, 0.0299]) == "+0.030"


@pytest.mark.parametrize(
    ("sizes", "words"),
    [([], "0"), ([1000], "1,000"), ([12, 12], "12"), ([1200, 6, 30], "6 to 1,200")],
)
def test_numbers_of_items_are_one_number_or_a_span(sizes, words):
    assert span(sizes) == words
    assert span(iter(sizes)) == words


def test_seeds_are_named_once_and_in_order():
    assert seeds([0, 0]) == "seed 0"
    assert seeds([2, 0, 2]) == "seeds 0, 2"


def test_what_means_and_intervals_are_over():
    assert replications([], [3, 3]) == "3 orders of the training items"
    assert replications([], [1]) == "1 order of the training items"
    assert replications([5, 3], []) == "3 to 5 trainings"
    assert replications([5], [2]) == "5 trainings and 2 orders of the training items"
    assert replications([], []) == "one run"
    assert varied([], [3]) == "items"
    assert varied([5], []) == "trainings and items"
    assert "of one training over items alone" in varied([5], [3])


def test_a_first_seed_is_named():
    assert first_seed([1]) == "of several seeds the first listed is shown (seed 1)"


def test_parts_are_joined():
    assert [listed(list(parts)) for parts in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
