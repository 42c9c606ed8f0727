"""The report on the caption hierarchies: what the datasheet says, and nothing else."""

import json
import re
from xml.etree import ElementTree

import pytest
from html_parts import drawings, soup
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_datasheet import CHAIN, NEGATIVES, write_sheet

from hierarcaps.report.dataset import figures as dataset_figures
from hierarcaps.report.dataset import tables as dataset_tables
from hierarcaps.report.dataset.findings import finding, opening
from hierarcaps.report.dataset.sheet import Datasheet, explain, percent, wilson
from hierarcaps.runtime.errors import InputError

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> $\\frac{1}{$'


@pytest.fixture
def sheet(tmp_path):
    write_sheet(tmp_path / "sheet.json")
    return Datasheet(tmp_path / "sheet.json")


def test_wilson_against_published_values():
    # Newcombe (1998), Table I, method 3 (score without continuity correction).
    for right, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        share = wilson(right / n, n)
        assert (share.low, share.high) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0.5, 0) is None


@given(st.integers(1, 1000), st.data())
@settings(deadline=None, max_examples=50)
def test_wilson_holds_the_share_and_stays_a_share(n, data):
    right = data.draw(st.integers(0, n))
    share = wilson(right / n, n)
    assert 0 <= share.low <= share.value + 1e-12
    assert share.value - 1e-12 <= share.high <= 1
    assert share.low < share.high


def test_steps_come_in_the_pipelines_order_with_their_counts(sheet):
    assert [step.name for step in sheet.steps] == [
        "seeds", "augmentation", "recombination", "items-train",
    ]  # fmt: skip
    assert sheet.final.entered == 20
    assert sheet.final.by_stage() == {
        "unknown word": 4,
        "form of the answer": 0,
        "a tier does not entail": 0,
        "a tier adds nothing": 0,
        "no fitting negative": 3,
        "held out": 0,
        "other": 1,
    }
    for step in sheet.steps:
        assert sum(step.by_stage().values()) + step.accepted == step.entered


def test_validity_is_the_oracles(sheet):
    assert sheet.final.valid("all_eight").value == pytest.approx(11 / 12)
    assert sheet.final.valid("all_eight").n == 12
    # Before the filter also the rejects that have tiers count: 12 + 3 + 0 of them.
    before = sheet.steps[0].valid("positives", "written")
    assert (before.value, before.n) == (pytest.approx(7 / 9), 9)
    assert sheet.steps[1].valid("positives").value == 0.75


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("tier3_not_entailing", "tier 3 does not entail tier 2"),
        ("tier4_nothing_new", "tier 4 says no more than tier 3"),
        ("tier2_unread", "tiers 1 and 2 are longer than the NLI model reads"),
        ("negative3_unread", "negative 3 is longer than the NLI model reads"),
        ("negative1_same_as_positive", "negative 1 is the positive itself"),
        ("negative2_brand_new", "negative2 brand new"),
        ("brand_new", "brand new"),
        ("held_out", "accepted, and kept to measure H on"),
    ],
)
def test_reasons_in_words(reason, words):
    assert explain(reason)[1] == words


@pytest.mark.parametrize(
    ("wrong", "verdict"), [(0, "lies above"), (3, "contains"), (11, "lies below")]
)
def test_the_opening_compares_with_the_paper_by_the_interval(tmp_path, wrong, verdict):
    write_sheet(tmp_path / "s.json", wrong=wrong)
    sheet = Datasheet(tmp_path / "s.json")
    first, second, third, fourth, _ = opening(sheet)
    right = percent(sheet.final.valid("all_eight"))
    assert finding(sheet).startswith(f"The pipeline made 12 items of 20 captions, and {right} of")
    assert "Of 50 captions, 40 were usable" in first
    assert "for 12 of them, of which 6 (50.0% [25.4, 74.6]) were accepted" in first
    assert "4 from augmentation and 9 from recombination" in first
    assert "H then turned 20 captions into 12 items" in first
    assert f"the interval of the former {verdict} the 75%" in second
    assert percent(sheet.final.valid("all_eight")) in second
    assert "Of 10 captions of validation images, H wrote four tiers for 70.0%" in third
    assert "passes the filter for 60.0% [31.3, 83.2]; of 6 held-out seeds" in third
    assert "it repeats 50.0% [18.8, 81.2] word for word" in third
    assert "90.0% [85.1, 93.4] of 200 held-out pairs, least often on near miss pairs" in fourth


def test_the_gates_of_augmentation_are_counted_in_their_order(sheet):
    page = dataset_tables.augmentation_tables(sheet).text
    cells = [cell.split(">")[1] for cell in re.findall(r"<td[^>]*>[0-9]+(?=<)", page)]
    # Of 10: a malformed, a known and an unattested one, two do not entail, one adds nothing.
    assert cells == ["10", "9", "8", "7", "5", "4", "3"]
    assert "Two H of 40 steps" in page
    assert "+6.0 points [+1.0, +11.0]" in page


def test_one_training_with_and_one_without_augmentation_give_no_verdict_on_it(sheet):
    last = opening(sheet)[-1]
    assert "yielded 4 hierarchies of 10 completions, 75.0% [30.1, 95.4] of them right" in last
    assert "each trained once, differ by +6.0 points [+1.0, +11.0] over captions" in last
    assert "tells nothing of augmentation" in last


def test_a_study_without_augmentation_says_so(tmp_path):
    write_sheet(tmp_path / "s.json", augmented=False)
    sheet = Datasheet(tmp_path / "s.json")
    assert len(opening(sheet)) == 4
    assert "switched off" in dataset_tables.augmentation_tables(sheet).text
    write_sheet(tmp_path / "t.json", judged=False)
    sheet = Datasheet(tmp_path / "t.json")
    assert "not measured" in dataset_tables.augmentation_tables(sheet).text


def test_without_oracle_or_reports_it_is_said_so(tmp_path):
    write_sheet(tmp_path / "s.json", oracle=False, judged=False)
    sheet = Datasheet(tmp_path / "s.json")
    assert finding(sheet).endswith("how many are right was not measured.")
    assert "was not measured" in opening(sheet)[1]
    assert "held-out seeds" not in opening(sheet)[2]
    assert "was not measured" in opening(sheet)[3]
    assert "no oracle" in dataset_figures.validity_figure(sheet).text
    assert "not measured" in dataset_tables.judge_tables(sheet).text
    assert dataset_tables.validity_table(sheet).text == ""


def test_a_pipeline_that_accepted_nothing_is_shown(tmp_path):
    content = write_sheet(tmp_path / "s.json")
    final = content["steps"]["items-train"]
    final["accepted"], final["examples"] = 0, {}
    final["oracle"] = {"written": {"n": 0}, "accepted": {"n": 0}}
    content |= {"lengths": {}, "vocabulary": {"words": 0, "texts": 0, "first_tiers": {}}}
    (tmp_path / "s.json").write_text(json.dumps(content))
    sheet = Datasheet(tmp_path / "s.json")
    assert "nothing whose validity" in opening(sheet)[1]
    assert "No item was accepted" in dataset_figures.text_figure(sheet).text
    assert "No item was accepted" in dataset_tables.accepted_cards(sheet).text
    assert len(drawings(dataset_figures.validity_figure(sheet))) == 1
    assert len(drawings(dataset_figures.funnel_figure(sheet))) == 2


def test_unusable_files_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match="not found"):
        Datasheet(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match="not a readable datasheet"):
        Datasheet(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"captions": {}}')
    with pytest.raises(InputError, match="lacks steps, validation, lengths"):
        Datasheet(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["funnel_figure", "validity_figure", "text_figure"])
def test_figures_are_reproducible_and_described(sheet, name):
    html = getattr(dataset_figures, name)(sheet)
    assert html == getattr(dataset_figures, name)(sheet)
    assert [ElementTree.fromstring(panel).tag[-3:] for panel in drawings(html)] == ["svg", "svg"]
    assert all(len(image["alt"]) > 40 for image in soup(html).find_all("img"))
    caption = soup(html).figcaption.get_text()
    assert "n = " in caption
    assert "interval" in caption
    assert "run" in caption


def test_tables_hold_the_counts(sheet):
    rows = soup(dataset_tables.funnel_table(sheet)).select("tbody tr")
    cells = [td.get_text() for td in rows[3].find_all("td")]
    assert cells[:6] == ["20", "4", "0", "0", "0", "3"]
    reasons = soup(dataset_tables.reasons_table(sheet)).get_text(" ")
    assert "Captions a duplicate 10" in reasons
    assert "brand new reason 1" in reasons
    assert "a duplicate 0" not in reasons
    judged = soup(dataset_tables.judge_tables(sheet)).get_text(" ")
    assert "one attribute changed" in judged
    assert "n = 60" in judged
    validity = soup(dataset_tables.validity_table(sheet)).select("tbody tr")
    assert "91.7%" in validity[3].get_text()
    assert validity[0].find_all("td")[-1].get_text() == "–"


def test_accepted_items_show_tiers_beside_negatives(sheet):
    card = soup(dataset_tables.accepted_cards(sheet)).select_one("article")
    texts = [td.get_text() for td in card.find_all("td")]
    assert texts == [text for pair in zip(CHAIN, NEGATIVES, strict=True) for text in pair]
    assert "wrong by the oracle" in dataset_tables.accepted_cards(sheet).text


def test_captions_and_prompts_are_inert(tmp_path):
    content = write_sheet(tmp_path / "s.json", hostile=HOSTILE)
    content["vocabulary"]["first_tiers"] = {HOSTILE: 3}
    (tmp_path / "s.json").write_text(json.dumps(content))
    sheet = Datasheet(tmp_path / "s.json")
    html = dataset_tables.rejects_table(sheet) + dataset_tables.disclosure(sheet)
    page = soup(html + dataset_figures.text_figure(sheet))
    assert not page.find("script")
    assert all(image["src"].startswith("data:image/svg") for image in page.find_all("img"))
    assert HOSTILE in page.get_text()
    assert "version test-1" in page.get_text()
