"""Every page that a run leaves to read, in a real browser: complete, readable, quiet."""

from pathlib import Path
from urllib.parse import unquote

import pytest
from page_checks import CONTRAST, STRUCTURE
from synthetic_alignment import write_alignment
from synthetic_datasheet import write_sheet

from hierarcaps.report.index.page import write_index
from hierarcaps.report.render import render
from hierarcaps.report.study import Results

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ("dataset", "zero_shot", "alignment", "qualitative", "paper", "leaderboard")
PAGES = ("index.html", *(f"reports/{name}.html" for name in NOTEBOOKS))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder of a small study with all its pages; the explorer's own is a stand-in."""
    folder = tmp_path_factory.mktemp("pages")
    aligned = write_alignment(folder)
    write_sheet(folder / "datasheet.json")
    shared = {name: aligned[name] for name in ("results", "models")}
    parameters = {
        "dataset": {"datasheet": str(folder / "datasheet.json")},
        "zero_shot": shared,
        "alignment": {**aligned, "ablations": aligned["results"]},
        "qualitative": shared,
        "paper": shared,
        "leaderboard": shared,
    }
    root = Path(aligned["results"])
    (root / "reports").mkdir()
    for name, given in parameters.items():
        outputs = root / "reports" / f"{name}.ipynb", root / "reports" / f"{name}.html"
        render(
            ROOT / "notebooks" / f"{name}.ipynb", *outputs, given, figures=root / "figures" / name
        )
    (root / "explorer").mkdir()
    (root / "explorer" / "index.html").write_text("<title>explorer</title>")
    study = Results(root, aligned["models"])
    write_index(root / "index.html", study, NOTEBOOKS, {"summary.csv": "all numbers"})
    return root


@pytest.fixture
def quiet(chromium):
    """The browser, which must have had no complaint at the end; its width is reset."""
    chromium.get_log("browser")
    yield chromium
    complaints = chromium.get_log("browser")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_readable_and_quiet(results, quiet, page):
    quiet.get((results / page).as_uri())
    assert quiet.execute_script(STRUCTURE) == []
    assert quiet.execute_script(CONTRAST) == []
    asked = quiet.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert all(name.startswith("data:") for name in asked)
    targets = quiet.execute_script(
        "return [...document.links].map((link) => link.getAttribute('href'))"
    )
    for target in targets:
        if target.startswith("#"):
            assert quiet.execute_script(
                "return Boolean(document.getElementById(arguments[0]))", unquote(target[1:])
            )
        else:
            assert (results / page).parent.joinpath(target).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone(results, quiet, page):
    quiet.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    quiet.get((results / page).as_uri())
    assert quiet.execute_script("return document.documentElement.scrollWidth") <= 390


def test_figures_are_pages_of_their_own(results, quiet):
    pages = sorted((results / "figures").rglob("*.html"))
    assert {path.parent.name for path in pages} == set(NOTEBOOKS)
    for path in pages:
        quiet.get(path.as_uri())
        assert quiet.execute_script(STRUCTURE) == [], path
    assert len(list((results / "figures" / "alignment").glob("*.svg"))) > 10
