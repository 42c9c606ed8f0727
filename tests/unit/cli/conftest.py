"""A user's own model, images and captions, as the options that name them."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``--quiet`` sets goes with the test."""
    monkeypatch.setenv("TQDM_DISABLE", "")


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
