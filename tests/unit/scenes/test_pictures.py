"""Pictures for readers: the same scene, sharper; other images as they are."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from hierarcaps.data.images import open_images
from hierarcaps.scenes.dataset import write_split
from hierarcaps.scenes.pictures import ENLARGED, open_pictures

ROOT = Path(__file__).resolve().parents[3]


def _difference(first, second) -> float:
    return float(np.abs(np.asarray(first, dtype=float) - np.asarray(second, dtype=float)).mean())


def test_a_reader_sees_the_same_scene_at_twice_the_size(tmp_path):
    scenes = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["scenes"]
    path = tmp_path / "test.parquet"
    write_split("test", {**scenes, "test": 6}, path, tmp_path / "test.csv")
    seen, shown = open_images(path), open_pictures(path)
    assert shown.names == seen.names
    assert len(shown) == 6
    assert seen.names[0] in shown
    for name, other in zip(seen.names, reversed(seen.names), strict=True):
        picture = shown[name]
        assert picture.width == ENLARGED * seen[name].width
        small = picture.resize(seen[name].size)
        # The same but for rounding of places and edges; not another scene.
        assert _difference(small, seen[name]) < 12
        assert _difference(small, seen[name]) < _difference(small, seen[other]) / 2
    # Sharper: more than the small one enlarged.
    blurred = seen[seen.names[0]].resize(shown[seen.names[0]].size)
    edges = [np.abs(np.diff(np.asarray(p, dtype=float), axis=1)).max() for p in (blurred, picture)]
    assert edges[1] > edges[0]


def test_other_images_are_as_they_are(tmp_path):
    (tmp_path / "folder").mkdir()
    png = _png()
    (tmp_path / "folder" / "a.png").write_bytes(png)
    table = pd.DataFrame({"name": ["a.png"], "image": [png], "scene": ["at the sea"]})
    table.to_parquet(tmp_path / "own.parquet")
    for source in (tmp_path / "folder", tmp_path / "own.parquet"):
        assert open_pictures(source)["a.png"].size == (5, 5)


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (5, 5), "red").save(buffer, "PNG")
    return buffer.getvalue()
