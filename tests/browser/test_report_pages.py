"""Every page that a run leaves to read, in a real browser: complete, readable, quiet."""

from urllib.parse import unquote

import pytest
from page_checks import CONTRAST, STRUCTURE
from rendered_reports import NOTEBOOKS

PAGES = ("index.html", *(f"reports/{name}.html" for name in NOTEBOOKS))


@pytest.fixture
def quiet(chromium):
    """The browser, which must have had no complaint at the end; its width is reset."""
    chromium.get_log("browser")
    yield chromium
    complaints = chromium.get_log("browser")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_readable_and_quiet(reports, quiet, page):
    quiet.get((reports / page).as_uri())
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
            assert (reports / page).parent.joinpath(target).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone(reports, quiet, page):
    quiet.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    quiet.get((reports / page).as_uri())
    assert quiet.execute_script("return document.documentElement.scrollWidth") <= 390


def test_figures_are_pages_of_their_own(reports, quiet):
    pages = sorted((reports / "figures").rglob("*.html"))
    assert {path.parent.name for path in pages} == set(NOTEBOOKS)
    for path in pages:
        quiet.get(path.as_uri())
        assert quiet.execute_script(STRUCTURE) == [], path
    assert len(list((reports / "figures" / "alignment").glob("*.svg"))) > 10
