"""``hierarcaps probe``: every metric of a user's own model, on the user's own data."""

import json
from itertools import chain
from pathlib import Path

import pytest

from hierarcaps import cli


def probe(own_data: dict[str, str]) -> int:
    return cli.main(["probe", *chain.from_iterable(own_data.items())])


def test_probe_of_a_users_own_model(
    own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert probe({**own_data, "--output": str(tmp_path / "results")}) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["task", "metric", "value"]
    values = {(line[0], line[1]): line[2:] for line in lines[1:]}
    value, low, _, high, n, words, characters, random = values["ordering", "tau_d"]
    assert float(low) <= float(value) <= float(high)
    assert float(words) > 0.8 < float(characters)
    assert int(n) > 1
    assert -1 <= float(random) <= 1
    # Caption length retrieves nothing: random vectors are the only baseline of precision.
    assert len(values["hierarchical_retrieval", "precision"]) == 6
    kept = tmp_path / "results" / "model" / "zeroshot" / "seed0"
    metrics = json.loads((kept / "ordering.json").read_text())["metrics"]
    assert f"{metrics['tau_d']['value']:.3f}" == value
    assert (kept / "embeddings.safetensors").is_file()


def test_probe_of_a_sentence_encoder_without_images(
    own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    # Here, since the other tests of this file also run where open_clip is not installed.
    from tiny_sentence_encoder import sentence_encoder

    model = f"text_only: {sentence_encoder(tmp_path / 'model')}"
    data = {"--model": model, "--hierarchies": own_data["--hierarchies"]}
    assert probe(data) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {line[0] for line in lines[1:]} == {"ordering", "chains", "entailment"}
    assert probe({**data, "--model": own_data["--model"]}) == 2
    assert "expected both or none" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--model": "ViT-B-32"}, "model 'ViT-B-32': expected NAME/TAG of open_clip"),
        ({"--model": "{"}, "model '{': expected NAME/TAG"),
        ({"--model": "{open_clip: a #b}"}, "an entry such as"),
        ({"--model": "{open_clip: a, open_clip: b}"}, "the key 'open_clip' is given twice"),
        ({"--model": "{open_clip: ~}"}, "open_clip is None, expected a name or a path"),
        ({"--model": "open_clip: ViT-B-32, pretrained: openai"}, "pretrained: openai"),
        ({"--model": "meta: x"}, "names 'meta', expected exactly one of open_clip"),
        ({"--images": "absent"}, "absent: no such images"),
        ({"--hierarchies": "absent.csv"}, "absent.csv"),
        ({"--device": "gpu"}, "expected auto, cpu, cuda, cuda:N or mps"),
    ],
)
def test_probe_of_what_is_not_there(
    own_data: dict[str, str],
    changes: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
):
    assert probe({**own_data, **changes}) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.startswith("Error: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_probe_leaves_no_results_of_a_broken_test_set(
    own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "images" / "red.png").unlink()
    assert probe({**own_data, "--output": str(tmp_path / "results")}) == 1
    assert "red.png: no such image file" in capsys.readouterr().err
    assert not list(tmp_path.glob("results/**/*.json"))


def test_what_an_interruption_leaves(
    own_data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Results come to their folder when all are there."""
    from hierarcaps.evaluation import probe as module

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "evaluate_baselines", interrupt)
    assert probe({**own_data, "--output": str(tmp_path / "results")}) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "Interrupted: no file is left half-written"
    assert not (tmp_path / "results").exists()


def test_json(own_data: dict[str, str], capsys: pytest.CaptureFixture[str]):
    model = own_data.pop("--model").removeprefix("transformers: ")
    arguments = ["probe", model, "--json", "--quiet", *chain.from_iterable(own_data.items())]
    assert cli.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == model
    rows = {(row["task"], row["metric"]): row for row in found["metrics"]}
    tau = rows["ordering", "tau_d"]
    assert tau["low"] <= tau["value"] <= tau["high"]
    assert tau["n"] == 6
    assert tau["words"] > 0.8
    assert rows["hierarchical_retrieval", "precision"]["words"] is None


def test_the_official_test_set_is_the_default(
    own_data: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    arguments = ["probe", own_data["--model"], "--json"]
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == (
        "Error: the official test set is not at hand: set HIERARCAPS_DATA to a folder with "
        "hierarcaps_test.csv and test_imgs/, or give --hierarchies TABLE and --images FOLDER of "
        "your own\n"
    )
    (tmp_path / "official" / "data").mkdir(parents=True)
    (tmp_path / "official" / "assets").mkdir()
    Path(own_data["--images"]).rename(tmp_path / "official" / "assets" / "test_imgs")
    table = tmp_path / "official" / "data" / "hierarcaps_test.csv"
    Path(own_data["--hierarchies"]).rename(table)
    monkeypatch.setenv("HIERARCAPS_DATA", str(tmp_path / "official"))
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["hierarchies"] == str(table)
