"""Headless Chromium for the tests of pages; they skip where it is not installed."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A selenium driver for headless Chromium; ``driver.downloads`` is its download folder."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("chromium not found: install it (or set CHROMIUM) to test pages in a browser")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    downloads = tmp_path_factory.mktemp("downloads")
    flags = (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--disable-dev-shm-usage --window-size=1280,860"
    )
    for flag in (*flags.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # The driver of the same installation; where there is none, selenium would ask the network.
    executable = shutil.which("chromedriver")
    if executable is None:
        pytest.skip("chromedriver not found: install it to test pages in a browser")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable))
    driver.downloads = downloads
    yield driver
    driver.quit()
