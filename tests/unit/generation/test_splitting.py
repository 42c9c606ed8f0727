import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_filter_and_recombine import GOOD

from hierarcaps.generation.shards import make_table
from hierarcaps.generation.splitting import held_out, hold_out


def rows_of(images: list[str | None], rejected: int = 0):
    rows = [
        {"caption": f"caption {number}", "image": image, "tiers": GOOD}
        for number, image in enumerate(images)
    ]
    return make_table(rows + [{"caption": "x", "reason": "tier_count"}] * rejected)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.floats(0.01, 0.99), st.integers(0, 9))
def test_an_image_is_on_one_side_whatever_the_order(images, share, seed):
    table = hold_out(rows_of(images, rejected=3), share, seed)
    apart = {row["image"] for row in held_out(table).to_dict("records")}
    teaching = set(table[table["reason"].isna()]["image"])
    assert apart
    assert not apart & teaching
    assert apart | teaching == set(images)
    assert list(table["reason"][-3:]) == ["tier_count"] * 3
    other = hold_out(rows_of(images[::-1]), share, seed)
    assert {row["image"] for row in held_out(other).to_dict("records")} == apart


@pytest.mark.parametrize(("share", "n"), [(0, 0), (0.04, 1), (0.3, 3)])
def test_the_share_is_of_accepted_rows_and_never_none_unless_asked(share, n):
    assert len(held_out(hold_out(rows_of([None] * 10, rejected=50), share, 0))) == n
    assert held_out(hold_out(rows_of([], rejected=2), share, 0)).empty
