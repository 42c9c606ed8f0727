"""Two datasheets side by side."""

import json

import pytest
from synthetic_datasheet import write_sheet
from typer.testing import CliRunner

from hierarcaps.cli.app import app
from hierarcaps.report.dataset.sheet import wilson
from hierarcaps.report.dataset.yields import compare_yields, newcombe
from hierarcaps.runtime.errors import InputError


def test_intervals_of_differences_are_as_published():
    # Newcombe (1998), Table II, examples a and h, method 10: 56/70 - 48/80, 10/10 - 0/10.
    for one, two, expected in (
        ((48, 80), (56, 70), (0.2, 0.0524, 0.3339)),
        ((0, 10), (10, 10), (1.0, 0.6075, 1.0)),
    ):
        shares = [wilson(right / n, n) for right, n in (one, two)]
        assert newcombe(*shares) == pytest.approx(expected, abs=1e-4)


def test_each_step_of_both_is_compared(tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    write_sheet(first, wrong=1)
    write_sheet(second, wrong=7, augmented=False)
    table = compare_yields(first, second).set_index(["task", "metric"])
    right = table.loc[("Items", "all eight texts right")]
    assert (right["first"], right["second"]) == (pytest.approx(11 / 12), pytest.approx(5 / 12))
    assert right["difference"] == pytest.approx(-0.5)
    assert right["high"] < 0
    assert table.loc[("Seeds", "accepted"), "difference"] == 0
    assert table.loc[("Seeds", "accepted"), "n"] == 12
    # What one study did not do cannot be compared.
    assert "Augmentation" not in table.index.get_level_values("task")
    assert ("H", "held-out seeds, valid") in table.index


def test_without_an_oracle_only_what_was_accepted_is_compared(tmp_path):
    for name in ("a", "b"):
        write_sheet(tmp_path / f"{name}.json", oracle=False, judged=False)
    table = compare_yields(tmp_path / "a.json", tmp_path / "b.json")
    assert set(table["metric"]) == {"accepted"}
    write_sheet(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    content["steps"] = {"other": content["steps"]["seeds"]}
    content["validation"]["entered"] = 0
    content["validation"]["oracle"] = None
    content["hierarchy"] = None
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="two datasheets of the same pipeline"):
        compare_yields(tmp_path / "a.json", tmp_path / "c.json")


def test_the_command_shows_the_table_or_json(tmp_path):
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    for file in files:
        write_sheet(tmp_path / file)
    shown = CliRunner().invoke(app, ["compare", *files])
    assert shown.exit_code == 0, shown.output
    assert "all eight texts right" in shown.output
    said = json.loads(CliRunner().invoke(app, ["compare", *files, "--json"]).stdout)
    assert said["differences"][0]["task"] == "Seeds"
    missing = CliRunner().invoke(app, ["compare", files[0], str(tmp_path / "none.json")])
    assert missing.exit_code == 1
    mixed = CliRunner().invoke(app, ["compare", files[0], str(tmp_path)])
    assert mixed.exit_code == 1
