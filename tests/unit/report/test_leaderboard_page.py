"""The page of the leaderboard: ties, controls without rank, and what is not known."""

import json
from pathlib import Path

import pytest
import yaml
from html_parts import drawings, soup
from jsonschema import Draft202012Validator
from synthetic_leaderboard import SMALL, ZOO, write_board

from hierarcaps.report.leaderboard import board, figures, findings, tables
from hierarcaps.report.study import METRICS, RECALL, TAU_D
from hierarcaps.runtime.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/leaderboard.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def zoo(tmp_path) -> list[board.Model]:
    return board.read_board(write_board(tmp_path / "leaderboard.json", ZOO))


def test_the_made_leaderboard_has_the_stated_form(tmp_path):
    written = json.loads(write_board(tmp_path / "leaderboard.json", ZOO).read_text())
    Draft202012Validator(SCHEMA).validate(written)
    assert SCHEMA["properties"]["schema_version"] == {"const": board.SCHEMA_VERSION}
    assert {(each["task"], each["metric"]) for each in written["metrics"]} == set(METRICS)


def test_ties_are_ranges_of_ranks(zoo):
    html = soup(tables.score_table(zoo, [RECALL], "Retrieval."))
    shown = {
        row.th.contents[0].strip(): row.td.text for row in html.select("tbody tr")
    }  # fmt: skip
    for model in zoo:
        score = model.scores.get(RECALL)
        if score is None:
            assert model.label not in shown
        elif model.kind == "model":
            last = f"–{score.last}" if score.last > score.first else ""
            assert shown[model.label] == f"{score.first}{last}"
        else:
            assert shown[model.label] == "–"
    assert any("–" in rank and len(rank) > 1 for rank in shown.values())


def test_models_stand_by_their_value_and_controls_below(zoo):
    html = soup(tables.score_table(zoo, [TAU_D], "Order."))
    names = [row.th.contents[0].strip() for row in html.select("tbody tr")]
    models = board.ranked(zoo, TAU_D)
    assert names == [*(model.label for model in models), "CLIP-B, untrained", "length in words"]
    values = [model.scores[TAU_D].value for model in models]
    assert values == sorted(values, reverse=True)


def test_every_metric_has_a_panel_that_says_what_it_shows(zoo):
    html = figures.rank_figure(zoo)
    assert len(drawings(html)) == len(METRICS)
    described = [image["alt"] for image in soup(html).find_all("img")]
    assert all("HyCoCLIP-B: " in alt and "untrained" not in alt for alt in described)
    assert "hyperboloid" in drawings(html)[0]


def test_what_nobody_says_is_not_known(zoo):
    rows = soup(tables.facts_table(zoo)).select("tbody tr")
    said = {row.th.text: [cell.text for cell in row.find_all("td")] for row in rows}
    assert said["mine"] == ["sphere", "not known", "not known", "not known"]
    assert said["UNCHA-B"] == ["hyperboloid", "149 M", "GRIT (20.5M pairs)", "not known"]
    assert said["LongCLIP-L"][-1] == "yes"
    assert "length in words" not in said


def test_the_opening_names_who_can_be_first(zoo):
    first, _, coco = findings.opening(zoo)
    leaders = [m.label for m in board.ranked(zoo, RECALL) if m.scores[RECALL].first == 1]
    assert all(label in first for label in leaders[: findings.MOST_NAMES])
    assert "Of 13 models, 1 did not see images of COCO in training and 1 did; of 11" in coco


def test_one_that_is_ahead_of_all_is_first_beyond_noise(tmp_path):
    path = write_board(tmp_path / "leaderboard.json", SMALL)
    content = json.loads(path.read_text())
    for place, entry in enumerate(content["entries"][:3]):
        for score in entry["scores"]:
            score["rank"] = [place + 1, place + 1]
            score["value"] = 0.9 - place / 10
    path.write_text(json.dumps(content))
    models = board.read_board(path)
    assert "rn-24 is first of 3 beyond noise: recall 0.900" in findings.opening(models)[0]
    assert [model.label for model in board.in_order(models)] == ["rn-24", "rn-16", "meru-24"]


def test_another_version_and_a_broken_file_are_one_sentence(tmp_path):
    path = tmp_path / "leaderboard.json"
    path.write_text('{"schema_version": 2}')
    with pytest.raises(InputError, match="is of version 2, expected 1"):
        board.read_board(path)
    path.write_text("{")
    with pytest.raises(InputError, match="not a readable leaderboard"):
        board.read_board(path)
