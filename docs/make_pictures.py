"""Pictures of two result pages for README.md, taken by headless Chromium: `make pictures`.

Run after a complete run. CHROMIUM names the browser where it is not on the path.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
SIZE = (1280, 860)  # px of the page
MARGIN = 16  # px
WIDTH = 960  # px of the picture
LIMIT = 200_000  # bytes
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--virtual-time-budget=20000"
)


def take(browser: str, address: str, path: Path) -> None:
    """Write a picture of a page, small enough for a README."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder, "page.png")
        command = [browser, *FLAGS.split(), f"--user-data-dir={folder}/profile"]
        command += [f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={shot}", address]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        with Image.open(shot) as image:
            page = image.convert("RGB")
    # What is empty below the page's end is left out.
    empty = Image.new("RGB", page.size, page.getpixel((page.width - 1, page.height - 1)))
    used = ImageChops.difference(page, empty).getbbox() or (0, 0, *page.size)
    page = page.crop((0, 0, page.width, min(page.height, used[3] + MARGIN)))
    size = WIDTH, round(page.height * WIDTH / page.width)
    small = page.resize(size, Image.Resampling.LANCZOS)
    small.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > LIMIT:
        sys.exit(f"Error: {path} has {path.stat().st_size:,} bytes, expected at most {LIMIT:,}")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def main() -> None:
    """Take the explorer at the first image of the seeded sample, and the view around the root."""
    browser = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    if browser is None:
        sys.exit("Error: chromium not found, install it or set CHROMIUM to take pictures of pages")
    examples = RESULTS / "examples.parquet"
    if not examples.is_file():
        sys.exit(f"Error: {examples} not found, make the study first (`make run`)")
    item = pd.read_parquet(examples, columns=["item_id"])["item_id"].iloc[0]
    explorer = (RESULTS / "explorer" / "index.html").as_uri()
    take(browser, f"{explorer}#image={quote(item)}", ROOT / "docs" / "explorer.png")
    views = sorted(RESULTS.glob("figures/zero_shot/figure-*-the-radial-geometry-in-the-plane.html"))
    if not views:
        sys.exit(f"Error: no radial view in {RESULTS / 'figures'}, render the reports (`make run`)")
    take(browser, views[0].as_uri(), ROOT / "docs" / "geometry.png")


if __name__ == "__main__":
    main()
