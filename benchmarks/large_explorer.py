"""A large explorer, by the package's own export, and how long a browser takes to open it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import Run
from hierarcaps.explorer import export_explorer

EXPLORER = (5000, 50_000)
WORDS = ("red", "wooden", "small", "wet", "bright", "old", "striped", "broken", "tall", "quiet")
CHROMIUM = shutil.which("chromedriver") and (
    shutil.which("chromium") or shutil.which("google-chrome")
)
# Recorded by the page itself, from the start of its navigation: when captions are there, then the
# scores of both runs and every picture in view; of an image's own page, its picture and its panels.
WATCH = """
(() => {
  const opening = (window.opening = {});
  const note = (name) => { opening[name] ??= performance.now(); };
  const inView = (node) => node.getBoundingClientRect().top < innerHeight;
  const loaded = (img) => img?.src && img.complete && img.naturalWidth > 0;
  const whole = (tile) => tile.querySelectorAll(".pips").length === 2
    && loaded(tile.querySelector("img"));
  const watch = () => {
    const tiles = [...document.querySelectorAll("#grid .tile")].filter(inView);
    if (document.querySelector("#count")?.textContent) note("captions");
    if (tiles.length && tiles.every(whole)) note("grid");
    const ladders = document.querySelectorAll("#panels .ladder");
    if (loaded(document.querySelector("#image")) && ladders.length === 2) note("image");
    requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
})();
"""


def items_of(images: int) -> list[CaptionHierarchy]:
    """Items with captions of usual lengths, most of them distinct."""
    return [
        CaptionHierarchy(
            str(i),
            ("thing", f"kind {i % 97}", f"a {WORDS[i % 10]} kind {i}", caption(i)),
            f"{i:06d}.jpg",
        )
        for i in range(images)
    ]


def caption(number: int) -> str:
    """Return a caption of about fifty characters."""
    drawn = " ".join(WORDS[int(digit)] for digit in f"{number:07d}"[-5:])
    return f"a {drawn} thing number {number} on the grass"


class Pictures(dict):
    """A store of as many pictures as are asked for, each about as large as a photograph."""

    def __missing__(self, name: str) -> Any:
        rng = np.random.default_rng(int(name.partition(".")[0]))
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((320, 240), Image.Resampling.BICUBIC), dtype=np.int16)
        noise = rng.integers(-14, 15, smooth.shape[:2])[..., None]
        return Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))


def export(folder: Path) -> Path:
    """Write an explorer of two runs; return its page."""
    images, captions = EXPLORER
    items = items_of(images)
    known = sorted({tier for item in items for tier in item.tiers})
    texts = [*known, *(caption(10**7 + i) for i in range(captions - len(known)))]
    rng = np.random.default_rng(0)
    runs = [Run("model", "zeroshot", 0), Run("model", "re", 0)]
    for run in runs:
        drawn = np.arange(images * 10).reshape(images, 10) % captions
        table = pd.DataFrame(
            {
                "item_id": [item.item_id for item in items],
                "precision": rng.random(images),
                "recall": rng.integers(0, 5, images) / 4,
                "retrieved": [[texts[number] for number in row] for row in drawn],
                "retrieved_radii": list(np.sort(rng.random((images, 10)), axis=1)),
                "gold": [list(item.tiers) for item in items],
            }
        )
        run.folder(folder).mkdir(parents=True)
        table.to_parquet(run.folder(folder) / "hierarchical_retrieval.parquet")
    export_explorer(items, Pictures(), runs, folder, folder / "explorer")
    return folder / "explorer" / "index.html"


def opened(page: Path, fragment: str, event: str) -> tuple[float, float, float]:
    """Open the page in a new browser.

    Returns:
        Seconds of the clock until captions were there, and until the event of ``WATCH``; processor
        seconds of the page's own thread until then.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,860"):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        driver.get(page.as_uri() + fragment)
        wait = WebDriverWait(driver, 120, poll_frequency=0.05)
        wait.until(lambda _: driver.execute_script(f"return opening.{event}"))
        times = driver.execute_script("return opening")
        metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        thread = next(each["value"] for each in metrics if each["name"] == "TaskDuration")
        return times["captions"] / 1000, times[event] / 1000, thread
    finally:
        driver.quit()
