"""The command line: results on standard output, a user's errors as one sentence and status 1."""

import json
import os
import resource
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from hierarcaps import __version__, cli

ROOT = Path(__file__).resolve().parents[3]


def test_the_console_script_is_this_module():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"hierarcaps": "hierarcaps.cli:main"}


def test_help_needs_no_library_of_a_command():
    code = (
        "import sys; from hierarcaps import cli; assert cli.main(['--help']) == 0\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'numpy', 'pandas', 'rich', 'torch', 'tqdm', 'yaml'}, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    for command in (
        "probe",
        "describe",
        "compare",
        "doctor",
        "generate",
        "filter",
        "align",
        "export",
        "review",
    ):
        assert f"  {command} " in done.stdout
    assert "Exit status: 0 done; 1 input" in done.stdout


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


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from tiny_clip import write_folder

    output = tmp_path / "out"
    assert cli.main(["export", str(write_folder(tmp_path)), str(output)]) == 0
    said = f"{output}: CLIPModel, loaded by transformers, open_clip, sentence-transformers\n"
    assert capsys.readouterr().out == said
    again = ["export", str(tmp_path), str(output), "--license", "mit", "--json"]
    assert cli.main(again) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"README.md", "config.json", "open_clip_config.json"} <= set(told["files"])
    assert told["pushed"] is None
    assert "license: mit" in (output / "README.md").read_text()


def test_version(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_a_users_error_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["export", str(tmp_path), str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Error: model {tmp_path}: found no configuration")
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["exprot"],
        ["export", "only-one"],
        ["probe"],
        ["probe", "a/b", "--model", "open_clip: x"],
        ["probe", "--model", "open_clip: x", "--images", "y"],
        ["compare", "a"],
        ["describe", "--model", "a/b"],
        ["probe", "--model", "a: b", "--images", "c", "--hierarchies", "d", "--batch-size", "0"],
    ],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: hierarcaps" in printed.err


def test_without_the_extra_a_sentence_says_which(tmp_path: Path):
    """Where the package came without extras there is no typer."""
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('no', name='typer')")
    done = subprocess.run(
        [sys.executable, "-m", "hierarcaps.cli", "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: the package typer is not installed: install hierarcaps")


@pytest.fixture
def review(own_data: dict[str, str], tmp_path: Path) -> list[str]:
    arguments = ["review", "--output", str(tmp_path / "review")]
    return [*arguments, *chain(*((key, own_data[key]) for key in ("--images", "--hierarchies")))]


def test_review(review: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(review) == 0
    page, sheet = tmp_path / "review" / "review.html", tmp_path / "review" / "review.csv"
    said = f"0 of 6 items are decided. Open {page},\nand save what it downloads as {sheet}.\n"
    assert capsys.readouterr().out == said
    sheet.write_text(sheet.read_text().replace('"0",""', '"0","accept"'))
    assert cli.main([*review, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "page": str(page), "sheet": str(sheet), "decided": 1, "items": 6,
    }  # fmt: skip


def test_progress_is_shown_unless_it_is_not_wanted(
    review: list[str], capsys: pytest.CaptureFixture[str]
):
    assert cli.main(review) == 0
    assert "review page: 100%" in capsys.readouterr().err
    assert cli.main([*review, "--quiet"]) == 0
    assert capsys.readouterr().err == ""
