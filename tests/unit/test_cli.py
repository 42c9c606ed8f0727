"""The command line: results on standard output, a user's errors as one sentence and status 1."""

import json
import resource
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from PIL import Image

from hierarcaps import cli

ROOT = Path(__file__).resolve().parents[2]


def test_the_console_script_is_this_module():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"hierarcaps": "hierarcaps.cli:main"}


def test_help_needs_no_library():
    code = (
        "import sys; before = set(sys.modules); from hierarcaps import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "assert loaded <= {*sys.stdlib_module_names, 'hierarcaps'}, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "export" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [(["-c", "import hierarcaps"], 0.1), (["-m", "hierarcaps.cli", "--help"], 0.3)],
)
def test_it_is_there_at_once(arguments: list[str], seconds: float):
    def processor_seconds() -> float:  # whatever else the machine is doing
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(processor_seconds() for _ in range(3)) < seconds


def test_export(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from hierarcaps.models.open_clip_family import export

    asked = []
    monkeypatch.setattr(export, "export_open_clip", lambda *folders: asked.append(folders))
    assert cli.main(["export", "models/a", "out"]) == 0
    assert asked == [("models/a", "out")]
    assert capsys.readouterr().out.startswith("out: ")


def test_a_users_error_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["export", str(tmp_path), str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Error: model {tmp_path}: open_clip_config.json is missing")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def own_data(tmp_path: Path) -> dict[str, str]:
    from tiny_transformers import tiny_clip

    colours = ["red", "green", "blue", "white", "black", "orange"]
    rows = ["id,captions,image_url"]
    (tmp_path / "images").mkdir()
    for row, colour in enumerate(colours):
        Image.new("RGB", (20, 16 + row), colour).save(tmp_path / "images" / f"{colour}.png")
        rows.append(
            f"{row},thing => a boat => a {colour} boat => a {colour} boat at sea,{colour}.png"
        )
    (tmp_path / "items.csv").write_text("\n".join(rows) + "\n")
    return {
        "--model": f"transformers: {tiny_clip(tmp_path / 'model')}",
        "--images": str(tmp_path / "images"),
        "--hierarchies": str(tmp_path / "items.csv"),
        "--device": "cpu",
    }


def probe(own_data: dict[str, str]) -> int:
    return cli.main(["probe", *chain.from_iterable(own_data.items())])


def test_probe_of_a_users_own_model(
    own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert probe({**own_data, "--output": str(tmp_path / "results")}) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["task", "metric", "value"]
    values = {(line[0], line[1]): line[2:] for line in lines[1:]}
    value, low, _, high, words, characters, random = values["ordering", "tau_d"]
    assert float(low) <= float(value) <= float(high)
    assert float(words) > 0.8 < float(characters)
    assert -1 <= float(random) <= 1
    # Caption length retrieves nothing: random vectors are the only baseline of precision.
    assert len(values["hierarchical_retrieval", "precision"]) == 5
    kept = tmp_path / "results" / "model" / "zeroshot" / "seed0"
    metrics = json.loads((kept / "ordering.json").read_text())["metrics"]
    assert f"{metrics['tau_d']['value']:.3f}" == value
    assert (kept / "embeddings.safetensors").is_file()


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("transformers: my models/a #2", {"transformers": "my models/a #2"}),
        ("meru: runs: best/model.pth", {"meru": "runs: best/model.pth"}),
        ("open_clip: ~/clip", {"open_clip": "/home/me/clip"}),
        ("open_clip: 'models/a #2'", {"open_clip": "models/a #2"}),
        (
            "{open_clip: ViT-B-32, pretrained: openai}",
            {"open_clip": "ViT-B-32", "pretrained": "openai"},
        ),
    ],
)
def test_a_models_path_is_taken_to_the_letter(
    text: str, entry: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", "/home/me")
    assert cli._model_entry(text) == entry


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--model": "ViT-B-32"}, "--model is 'ViT-B-32', expected an entry such as"),
        ({"--model": "{"}, "--model is '{', expected an entry"),
        ({"--model": "{open_clip: a #b}"}, "expected an entry"),
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


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["exprot"],
        ["export", "only-one"],
        ["probe", "--model", "open_clip: x"],
        ["probe", "--model", "a: b", "--images", "c", "--hierarchies", "d", "--batch-size", "0"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage: hierarcaps" in capsys.readouterr().err
