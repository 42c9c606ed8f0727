import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from rendered_reports import HOSTILE, NOTEBOOKS
from synthetic_alignment import write_alignment
from synthetic_results import write_results

from hierarcaps.report.render import render

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"
TEMPLATES = sorted(FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_are_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert notebook.cells[0].source.startswith("# ")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_state_no_result_and_compute_nothing(path):
    notebook = nbformat.read(path, as_version=4)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert not re.search(r"\d?\.\d", prose), "numbers are computed from results/, never typed in"
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    assert not re.search(r"\b(torch|open_clip|numpy|glob)\b", code)


@pytest.fixture(scope="module")
def pages(reports) -> dict[str, str]:
    """Every report of a small study with hostile captions, by name."""
    assert sorted(NOTEBOOKS) == [path.stem for path in TEMPLATES]
    for name in NOTEBOOKS:
        nbformat.validate(nbformat.read(reports / "reports" / f"{name}.ipynb", as_version=4))
    return {name: (reports / "reports" / f"{name}.html").read_text() for name in NOTEBOOKS}


@pytest.mark.parametrize(
    ("name", "sentences", "figures", "tables"),
    [
        ("zero_shot", 4, 9, 9),
        ("dataset", 6, 3, 9),
        ("alignment", 4, 8, 6),
        ("qualitative", 3, 1, 5),
        ("paper", 4, 3, 8),
        ("leaderboard", 3, 1, 5),
    ],
)
def test_pages_are_accessible(pages, name, sentences, figures, tables):
    soup = BeautifulSoup(pages[name], "html.parser")
    assert all(image.get("alt") for image in soup.find_all("img"))
    assert all(header.get("scope") for header in soup.find_all("th"))
    assert len(soup.find_all("h1")) == 1
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert len(soup.select(".hc-lead li")) == sentences
    assert len(soup.find_all("figure")) == figures
    assert len(soup.select("table.hc-table")) == tables


@pytest.mark.parametrize("name", [path.stem for path in TEMPLATES])
def test_pages_load_nothing_and_run_nothing(pages, name):
    soup = BeautifulSoup(pages[name], "html.parser")
    assert not soup.find_all(["script", "iframe", "object", "embed"])
    assert all(tag["src"].startswith("data:") for tag in soup.find_all(src=True))
    assert all(tag["href"].startswith(("#", "data:")) for tag in soup.find_all(href=True))
    assert not [a for tag in soup.find_all(True) for a in tag.attrs if a.startswith("on")]
    styles = "".join(style.get_text() for style in soup.find_all("style"))
    assert "url(" not in styles
    assert "@import" not in styles
    # The page of published values shows no caption.
    assert (HOSTILE in soup.get_text()) == (name != "paper")


def test_rendering_a_report_twice_gives_equal_bytes(tmp_path):
    (tmp_path / "study").mkdir()
    given = write_alignment(tmp_path / "study")
    given = {name: given[name] for name in ("results", "models")}
    for name in ("a", "b"):
        folder = tmp_path / name
        outputs = folder / "paper.ipynb", folder / "paper.html"
        folder.mkdir()
        render(FOLDER / "paper.ipynb", *outputs, given, figures=folder / "figures")
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert len(files) > 10
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_zero_shot_of_real_data_without_controls(tmp_path):
    models = write_results(tmp_path, n=6, drawn=False)[:1]
    info = json.loads((tmp_path / "run.json").read_text())
    info["test_set"]["source"] = "official test set"
    (tmp_path / "run.json").write_text(json.dumps(info))
    summary = [
        line
        for line in (tmp_path / "summary.csv").read_text().splitlines()
        if "baseline" not in line and "untrained" not in line
    ]
    (tmp_path / "summary.csv").write_text("\n".join(summary))
    outputs = tmp_path / "a.ipynb", tmp_path / "a.html"
    render(FOLDER / "zero_shot.ipynb", *outputs, {"results": str(tmp_path), "models": models})
    text = BeautifulSoup(outputs[1].read_text(), "html.parser").get_text()
    assert "official test set" in text
    assert "the only model" in text
