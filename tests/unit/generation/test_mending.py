import pandas as pd
import pytest
from test_filter_and_recombine import GOOD, THRESHOLDS, LogicNLI

from hierarcaps.generation.filtering import filter_positives
from hierarcaps.generation.mending import MENDED, mend
from hierarcaps.generation.prompts import parse_completion
from hierarcaps.generation.shards import make_table

CATEGORIES = ("an animal", "animals", "furniture", "a vehicle")


def written(caption: str, output: str) -> dict:
    parsed = parse_completion(caption, output)
    return {
        "caption": caption, "image": f"{caption}.png", "source": "llm", "output": output,
        "tiers": parsed.tiers, "reason": parsed.reason,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("caption", "output", "tiers"),
    [
        # A category that is the concept again, that has more words, that is another's, or no four.
        ("a red lamp at night", " a red lamp => a lamp => a lamp", ("furniture", "a lamp")),
        ("two red owls at night", " two red owls => owls => an owl", ("animals", "owls")),
        ("a red duck at night", " a red duck => a duck => a vehicle", ("an animal", "a duck")),
        ("a red duck at night", " a red duck => a duck", ("an animal", "a duck")),
        # Nothing to mend: no concept, none that entails a category, a fault elsewhere.
        ("a red duck at night", " a red duck => a red duck", None),
        ("a red zzz at night", " a red zzz => a zzz => a zzz", None),
        ("a red duck at night", " a blue duck => a duck => a duck", None),
        ("a red duck at night", "", None),
    ],
)
def test_what_lacks_a_category_gets_one_that_is_true(caption, output, tiers):
    table = filter_positives(make_table([written(caption, output)]), LogicNLI(), THRESHOLDS)
    reason = table["reason"][0]
    assert reason is not None
    row = mend(table, CATEGORIES, LogicNLI(), THRESHOLDS).iloc[0]
    if tiers is None:
        pd.testing.assert_series_equal(row, table.iloc[0])
    else:
        assert row["tiers"][:2] == tiers
        assert row["tiers"][-1] == caption
        assert (row["source"], row["reason"], row["output"]) == (MENDED, None, output)


def test_accepted_rows_stay_and_lend_their_category_if_two_agree():
    kites = [
        ("a toy", "a kite", f"a {colour} kite", f"a {colour} kite at night")
        for colour in ("red", "blue")
    ]
    lacking = written("a red ball at night", " a red ball => a ball => a ball")
    for accepted, mended in ((kites, True), (kites[:1], False)):
        table = make_table([{"tiers": chain} for chain in (GOOD, *accepted)] + [lacking])
        after = mend(table, CATEGORIES, LogicNLI(), THRESHOLDS)
        pd.testing.assert_frame_equal(after[:-1], table[:-1])
        assert (after["reason"].iloc[-1] is None) == mended
