"""What a run says of the paper's claims: only what its intervals say."""

import pandas as pd
import pytest
from html_parts import soup

from hierarcaps.evaluation.published import COLUMNS
from hierarcaps.report.paper.claims import (
    NOT_SUPPORTED,
    PARTLY,
    SUPPORTED,
    UNTESTED,
    Claim,
    claims,
    claims_table,
    finding,
)
from hierarcaps.report.paper.published_table import read_comparison

HERE, NOT = ("1.000 [1.000, 1.000]", True), ("0.000 [0.000, 0.000]", False)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"a": HERE, "b": HERE}, SUPPORTED),
        ({"a": HERE, "b": NOT}, PARTLY),
        ({"a": NOT, "b": NOT}, NOT_SUPPORTED),
        ({}, UNTESTED),
    ],
)
def test_a_verdict_is_of_all_models(found, verdict):
    assert Claim("RE raises recall", {}, found).verdict == verdict


@pytest.fixture(scope="module")
def found(study):
    return {
        claim.text: claim
        for claim in claims(study, read_comparison(study.results.root / "published.csv"))
    }


def test_a_change_is_claimed_only_off_zero(found):
    # Of the made study RE raises precision by .03, leaves recall and takes .02 of R@1, +- .01.
    precision, recall = found["RE raises precision"], found["RE raises recall"]
    assert precision.verdict == SUPPORTED
    assert precision.published == {"CLIP-B": "+0.01", "CLIP-L": "−0.01"}
    assert recall.verdict == NOT_SUPPORTED
    assert recall.published == {"CLIP-B": "+0.11", "CLIP-L": "+0.07"}
    cost = found["RE costs no more than 0.02 of R@1, image to text"]
    assert cost.verdict == NOT_SUPPORTED
    assert all(said.startswith("−0.0") for said, _ in cost.found.values())
    assert found["RE costs no more than 0.02 of R@1, text to image"].published == {
        "CLIP-B": "+0.01",
        "CLIP-L": "0.00",
    }


def test_what_was_not_measured_is_not_tested(found):
    (lexical,) = (claim for text, claim in found.items() if "lexical" in text)
    assert lexical.verdict == UNTESTED
    assert lexical.published == {"CLIP-B": "+0.07"}


def test_the_table_and_the_sentence_say_the_same(study, found):
    rows = soup(claims_table(list(found.values()))).select("tbody tr")
    verdicts = [row.find_all("td")[-1].get_text() for row in rows]
    assert verdicts == [claim.verdict for claim in found.values()]
    sentence = finding(study, list(found.values()))
    for verdict in set(verdicts):
        count = verdicts.count(verdict)
        assert f"{count} {'is' if count == 1 else 'are'} {verdict}" in sentence
    assert sentence.startswith(f"Of {len(rows)} claims")


def test_emergence_needs_more_than_every_control(study, tmp_path):
    table = pd.DataFrame(columns=COLUMNS).astype({"published": float})
    first = claims(study, table)[0]
    controls = study.results.measured("ordering", "tau_d", "baseline", "untrained")
    ceiling = max(estimate.high for _, estimate in controls)
    for run, estimate in study.results.measured("ordering", "tau_d", "model"):
        if run.objective == "zeroshot":
            assert first.found[study.results.name(run)][1] == (estimate.low > ceiling)
    assert first.published == {}
