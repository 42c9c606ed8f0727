"""The tables of the README and of docs/results.md, as `make readme` writes them from a run."""

import pandas as pd
import pytest
import update_readme
from smoke import ROOT
from synthetic_alignment import write_alignment


@pytest.fixture
def results(tmp_path, monkeypatch):
    write_alignment(tmp_path)
    monkeypatch.setattr(update_readme, "ROOT", tmp_path)
    return tmp_path / "results"


def rows_of(text: str) -> dict[str, list[str]]:
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name: values for name, *values in cells}


def test_aligned_models_have_one_interval_and_untrained_ones_their_range(results):
    text = update_readme.results()
    rows = rows_of(text)
    assert list(rows)[1:] == [
        "rn-24", "rn-16", "vit-8", "rn-24-untrained", "vit-8-untrained", "rn-24 + RE", "rn-24 + EC",
        "vit-8 + RE", "vit-8 + EC", "words (no model)", "characters (no model)",
        "frequency (no model)", "random (no model)",
    ]  # fmt: skip
    pooled = pd.read_csv(results / "pooled.csv").query("reference.isna() and metric == 'tau_d'")
    re = pooled.set_index(["model", "objective"]).loc[("rn-24", "re")]
    assert rows["rn-24 + RE"][0] == f"{re.value:.3f} [{re.low:.3f}, {re.high:.3f}]"
    assert " to " in rows["rn-24-untrained"][0]


def test_trainings_of_a_model_are_one_row_with_their_own_interval(results):
    pooled = pd.read_csv(results / "pooled.csv")
    mean = pooled[(pooled["model"] == "rn-24") & pooled["reference"].isna()].iloc[:1]
    mean = mean.assign(objective="zeroshot", task="ordering", metric="tau_d", trainings=5)
    mean = mean.assign(value=0.5, low=0.4, high=0.6)
    pd.concat([mean, pooled]).to_csv(results / "pooled.csv", index=False)
    text = update_readme.results()
    assert "the mean of several trainings (5 of rn-24" in text
    rows = rows_of(text)
    assert rows["rn-24"][0] == "0.500 [0.400, 0.600]"
    assert list(rows)[1] == "rn-24"


def test_the_readme_shows_one_model_and_what_it_must_exceed(results):
    rows = rows_of(update_readme.headline())
    assert list(rows)[1:] == [
        "rn-24", "rn-24-untrained", "rn-24 + RE", "rn-24 + EC", "words (no model)",
        "random (no model)",
    ]  # fmt: skip
    assert rows.items() <= rows_of(update_readme.results()).items()


@pytest.mark.parametrize(
    ("page", "name"), [("README.md", "headline"), ("docs/results.md", "results")]
)
def test_each_table_has_its_place(page, name):
    text = (ROOT / page).read_text(encoding="utf-8")
    written = update_readme.replace_section(text, name, "| a |")
    assert f"<!-- {name} -->\n| a |\n<!-- /{name} -->" in written


def test_a_change_has_one_pooled_interval_and_is_bold_off_zero(results):
    text = update_readme.differences()
    assert "to the same pre-training, over 1 of rn-24, 1 of vit-8, with a 95% interval" in text
    rows = rows_of(text)
    assert list(rows)[1:] == ["rn-24 + RE", "rn-24 + EC", "vit-8 + RE", "vit-8 + EC"]
    tau, _, precision, recall, _ = rows["rn-24 + RE"]
    assert tau == "+0.001 [-0.009, +0.011]" or tau.startswith("+0.000 [")
    assert precision.startswith("**+0.03")
    assert "**" not in recall
