"""The page of benchmarks is what their results compose, and says where they come from."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("benchmark_tables", FOLDER / "tables.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmark_tables", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def composed() -> str:
    command = [sys.executable, "-c", "import page; print(page.compose(), end='')"]
    return subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, check=True, encoding="utf-8"
    ).stdout


def test_no_number_of_the_page_is_written_by_hand():
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == composed()


def test_every_result_is_of_a_script_that_make_runs_and_on_the_page():
    page, makefile = composed(), (ROOT / "Makefile").read_text(encoding="utf-8")
    run = re.search(r"^BENCHMARKS = (.+)$", makefile, re.MULTILINE).group(1).split()
    for path in (FOLDER / "results").glob("*.json"):
        assert (FOLDER / f"{path.stem}.py").is_file()
        assert path.stem in run
        for entry in json.loads(path.read_text(encoding="utf-8")):
            assert f"### {entry['title']}\n" in page
            assert re.fullmatch(r"[0-9a-f]{7,}\+?", entry["commit"])
            assert re.match(r"\d+ cores of ", entry["machine"])


def test_a_table_takes_the_place_of_its_title_alone(tables, tmp_path, capsys):
    first = tables.Table("One", "About.", ("", "s"), [["a", "1"]], "Fast.")
    other = tables.Table("Two", "About.", ("", "s"), [["a", "2"]], "Slow.")
    tables.publish("some/speed.py", first, other)
    tables.publish("some/speed.py", tables.Table("One", "New.", ("s",), [["3"]], "Faster."))
    found = json.loads((tmp_path / "speed.json").read_text())
    assert [(e["title"], e["rows"], e["claim"]) for e in found] == [
        ("One", [["3"]], "Faster."),
        ("Two", [["a", "2"]], "Slow."),
    ]
    assert "| 3 |" in capsys.readouterr().out
    with pytest.raises(ValueError, match="Three: expected 2 cells"):
        tables.Table("Three", "", ("", "s"), [["a"]], "")
