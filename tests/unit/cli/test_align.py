"""``hierarcaps align``: a checkpoint that every command loads, and what alignment changed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hierarcaps import cli
from hierarcaps.data.hierarchy import CaptionHierarchy, write_hierarchies

COLOURS = ["red", "green", "blue", "white", "black", "orange", "pink", "grey"]


def write_items(path: Path, negatives: bool = True) -> Path:
    items = []
    for row, colour in enumerate(COLOURS):
        tiers = ("thing", "a car", f"a {colour} car", f"a {colour} car in snow")
        wrong = ("food", "a bus", f"a {COLOURS[row - 1]} car", f"a {colour} car at sea")
        items.append(CaptionHierarchy(str(row), tiers, None, wrong if negatives else None))
    write_hierarchies(path, items)
    return path


@pytest.fixture
def arguments(
    own_data: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    data, output = str(write_items(tmp_path / "train.csv")), str(tmp_path / "aligned")
    return [
        "align", own_data["--model"], "--data", data, "--out", output, "--device", "cpu",
        "--learning-rate", "0.001", "--batch-size", "2", "--epochs", "5",
    ]  # fmt: skip


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_an_aligned_model_loads_again(
    arguments: list[str],
    own_data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    data = [own_data[key] for key in ("--images", "--hierarchies")]
    test_set = ["--images", data[0], "--hierarchies", data[1]]
    assert cli.main([*arguments, *test_set, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["training"], shown["validation"], shown["steps"]) == (7, 1, 20)
    held_out = {row["metric"]: row for row in shown["held_out"]}
    assert held_out["prior"]["before"] == pytest.approx(0, abs=1e-6)
    assert held_out["total"]["after"] != held_out["total"]["before"]
    before, after = weights(tmp_path / "model"), weights(tmp_path / "aligned")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("text") for name in changed)
    assert not list((tmp_path / "aligned").glob(".*"))
    differences = {(row["task"], row["metric"]): row for row in shown["differences"]}
    aligned = str(tmp_path / "aligned")
    assert cli.main(["probe", aligned, *test_set, "--json", "--device", "cpu"]) == 0
    rows = json.loads(capsys.readouterr().out)["metrics"]
    (tau,) = (row["value"] for row in rows if (row["task"], row["metric"]) == ("ordering", "tau_d"))
    assert differences["ordering", "tau_d"]["second"] == tau


def test_what_is_shown_without_negatives(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_items(tmp_path / "train.csv", negatives=False)
    assert cli.main([*arguments, "--steps", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"{tmp_path / 'aligned'}: aligned (re) in 3 steps on 7 hierarchies, which have no negatives"
    )
    assert lines[1].split() == ["on", "1", "held", "out", "before", "after"]
    assert [line.split()[0] for line in lines[2:4]] == ["total", "triplet"]


def test_an_interrupted_run_goes_on(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    from hierarcaps.alignment.recipe import _Run

    assert cli.main(arguments) == 0
    whole = weights((tmp_path / "aligned").rename(tmp_path / "whole"))
    train, step, steps = _Run.train, _Run._step, []

    def until_15(run: _Run) -> None:
        if run.state.step == 15:
            raise KeyboardInterrupt
        step(run)

    monkeypatch.setattr(_Run, "train", lambda run, _: train(run, 0.0))  # saves whenever it can
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_step", until_15)
        assert cli.main(arguments) == 130
    assert capsys.readouterr().err.endswith("Interrupted: no file is left half-written\n")
    assert [path.name for path in (tmp_path / "aligned").iterdir()] == [".alignment-state"]
    monkeypatch.setattr(_Run, "_step", lambda run: (steps.append(run.state.step), step(run)))
    assert cli.main(arguments) == 0
    assert steps == list(range(10, 20))
    again = weights(tmp_path / "aligned")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--objective": "radial"}, "alignment.objective: found 'radial', expected one of re, ec"),
        ({"--learning-rate": "-1"}, "alignment.learning_rate: found -1.0, expected above 0"),
        ({"--data": "absent.csv"}, "absent.csv"),
        ({"--out": "model"}, "model: is the folder of the model itself, expected another"),
        ({"--device": "gpu"}, "expected auto, cpu, cuda, cuda:N or mps"),
    ],
)
def test_what_cannot_be_aligned(
    changes: dict[str, str],
    message: str,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    assert cli.main([*arguments, *(part for pair in changes.items() for part in pair)]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (tmp_path / "aligned").exists()


def test_items_of_test_images_are_left_out(
    arguments: list[str],
    own_data: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    test_set = ["--images", own_data["--images"], "--hierarchies", own_data["--hierarchies"]]
    arguments[arguments.index("--data") + 1] = own_data["--hierarchies"]
    assert cli.main([*arguments, *test_set]) == 1
    printed = capsys.readouterr().err
    assert "6 of 6 items are of test images: left out" in printed
    assert "found 0 images or texts to learn from, expected at least two" in printed
