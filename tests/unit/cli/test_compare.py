"""``hierarcaps compare``: paired differences between two results, or two models."""

import json
from itertools import chain
from pathlib import Path

import pandas as pd
import pytest
from tiny_transformers import tiny_align

from hierarcaps import cli


@pytest.fixture
def data(own_data: dict[str, str]) -> list[str]:
    own_data = {**own_data}
    del own_data["--model"]
    return list(chain.from_iterable(own_data.items()))


@pytest.fixture
def models(own_data: dict[str, str], tmp_path: Path) -> tuple[str, str]:
    return own_data["--model"].removeprefix("transformers: "), str(tiny_align(tmp_path / "align"))


def differences(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], dict]:
    rows = json.loads(capsys.readouterr().out)["differences"]
    return {(row["task"], row["metric"]): row for row in rows}


def test_results_and_models_give_the_same_differences(
    data: list[str], models: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folders = [str(tmp_path / name) for name in "ab"]
    for model, folder in zip(models, folders, strict=True):
        assert cli.main(["probe", model, *data, "--output", folder]) == 0
    capsys.readouterr()
    assert cli.main(["compare", *folders, "--json"]) == 0
    rows = differences(capsys)
    before, after = (
        pd.read_parquet(Path(folder, "model", "zeroshot", "seed0", "ordering.parquet"))
        for folder in folders
    )
    tau = rows["ordering", "tau_d"]
    assert tau["difference"] == pytest.approx((after["tau"] - before["tau"]).mean())
    assert tau["low"] <= tau["difference"] <= tau["high"]
    assert tau["second"] - tau["first"] == pytest.approx(tau["difference"])
    # A run's own folder, and a model that is measured on the way.
    run = str(Path(folders[0], "model", "zeroshot", "seed0"))
    assert cli.main(["compare", run, models[1], *data, "--json"]) == 0
    assert differences(capsys) == rows
    assert cli.main(["compare", folders[1], folders[0]]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in printed if line[:2] == ["ordering", "tau_d"])
    assert line[2:5] == [
        f"{tau['second']:.3f}", f"{tau['first']:.3f}", f"{-tau['difference']:+.3f}",
    ]  # fmt: skip


def test_results_of_two_test_sets(
    data: list[str],
    models: tuple[str, str],
    own_data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    assert cli.main(["probe", models[0], *data, "--output", str(tmp_path / "a")]) == 0
    table = Path(own_data["--hierarchies"])
    table.write_text(table.read_text().replace("a red boat", "one red boat"))
    assert cli.main(["probe", models[0], *data, "--output", str(tmp_path / "b")]) == 0
    capsys.readouterr()
    assert cli.main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    printed = capsys.readouterr()
    assert printed.err.endswith("was not measured alike, expected results of the same test set\n")
    assert printed.out == ""


def test_folders_without_one_run(
    data: list[str], models: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    results = tmp_path / "results"
    assert cli.main(["probe", models[0], *data, "--output", str(results)]) == 0
    capsys.readouterr()
    (results / "model").rename(results / "other")
    assert cli.main(["probe", models[0], *data, "--output", str(results)]) == 0
    capsys.readouterr()
    assert cli.main(["compare", str(results), str(results)]) == 1
    assert f"{results}: found the results of 2 runs, expected one" in capsys.readouterr().err
    only_baselines = str(results / "words")
    assert cli.main(["compare", only_baselines, only_baselines]) == 1
    assert "found no results, expected what `probe --output` writes" in capsys.readouterr().err
    assert cli.main(["compare", str(results), str(results), *data]) == 1
    assert "both are results already" in capsys.readouterr().err
