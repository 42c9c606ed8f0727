"""Image stores: both kinds give the same images, and broken ones are named."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hierarcaps.data.images import open_images
from hierarcaps.runtime.errors import InputError


def encoded(mode: str = "RGB", kind: str = "PNG", seed: int = 0) -> bytes:
    channels = {"RGB": 3, "RGBA": 4, "CMYK": 4}.get(mode)
    shape = (40, 30) if channels is None else (40, 30, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, kind)
    return buffer.getvalue()


FILES = {
    "rgb.png": encoded(),
    "alpha.png": encoded("RGBA"),
    "grey.png": encoded("L"),
    "print.jpg": encoded("CMYK", "JPEG"),
    "short.png": encoded()[:-600],
    "short.jpg": encoded("RGB", "JPEG")[:-300],
    "text.jpg": b"not an image",
    "empty.png": b"",
}


@pytest.fixture(params=["folder", "parquet"])
def source(request, tmp_path: Path) -> Path:
    if request.param == "parquet":
        path = tmp_path / "images.parquet"
        table = {"name": list(FILES), "image": list(FILES.values()), "other": [0] * len(FILES)}
        pq.write_table(pa.table(table), path)
        return path
    folder = tmp_path / "images"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", ["rgb.png", "alpha.png", "grey.png", "print.jpg"])
def test_images_are_rgb(source: Path, name: str):
    image = open_images(source)[name]
    assert image.mode == "RGB"
    assert image.size == (30, 40)


def test_pixels_are_those_of_the_file(source: Path):
    expected = np.asarray(Image.open(io.BytesIO(FILES["rgb.png"])))
    np.testing.assert_array_equal(np.asarray(open_images(source)["rgb.png"]), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.png", "absent.png"),
        ("../images/rgb.png", "no "),
        ("short.png", "short.png.*truncated"),
        ("short.jpg", "short.jpg.*truncated"),
        ("text.jpg", "text.jpg.*not an image"),
        ("empty.png", "empty.png.*not an image"),
    ],
)
def test_bad_image_is_named_in_one_sentence(source: Path, name: str, message: str):
    with pytest.raises(InputError, match=message) as error:
        open_images(source)[name]
    assert "\n" not in str(error.value)


def test_store_lists_its_names(source: Path):
    store = open_images(source)
    assert store.names == tuple(sorted(FILES))
    assert len(store) == len(FILES)
    assert "rgb.png" in store
    assert "absent.png" not in store


def test_wrong_sources(tmp_path: Path):
    with pytest.raises(InputError, match="no such images"):
        open_images(tmp_path / "absent")
    (tmp_path / "list.txt").write_text("a.png")
    with pytest.raises(InputError, match="expected a folder or a"):
        open_images(tmp_path / "list.txt")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        open_images(tmp_path / "broken.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a.png"], "pixels": [b""]}, "expected 'name'"),
        ({"name": ["a.png"], "image": ["not bytes"]}, "expected 'name'"),
        ({"name": ["a.png", "a.png"], "image": [b"", b""]}, "occurs twice"),
    ],
)
def test_parquet_with_other_columns(tmp_path: Path, columns: dict, message: str):
    path = tmp_path / "images.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match=message):
        open_images(path)


BYTES = pa.array([FILES["rgb.png"]])
STORES = {
    "large": {"name": pa.array(["a.png"], pa.large_string()), "image": BYTES},
    "views": {"name": pa.array(["a.png"], pa.string_view()), "image": BYTES},
    "polars": {
        "name": pa.array(["a.png"], pa.large_string()), "image": BYTES.cast(pa.large_binary())
    },
    "categories": {"name": pa.array(["a.png"]).dictionary_encode(), "image": BYTES},
    "hub": {"image": pa.array([{"bytes": FILES["rgb.png"], "path": "train/a.png"}])},
    "hub with names": {
        "name": pa.array(["a.png"]),
        "image": pa.array([{"bytes": FILES["rgb.png"], "path": None}]),
    },
}  # fmt: skip


@pytest.mark.parametrize("columns", STORES.values(), ids=STORES)
def test_names_and_bytes_of_any_arrow_type_open(tmp_path: Path, columns: dict):
    path = tmp_path / "images.parquet"
    pq.write_table(pa.table(columns), path)
    store = open_images(path)
    assert store.names == ("a.png",)
    assert store["a.png"].size == (30, 40)


def test_a_frame_of_pandas_opens(tmp_path: Path):
    frame = pd.DataFrame({"name": ["a.png", "b.png"], "image": [FILES["rgb.png"]] * 2})
    frame.to_parquet(tmp_path / "plain.parquet")
    frame.astype({"name": "category"}).to_parquet(tmp_path / "categories.parquet")
    for name in ("plain", "categories"):
        assert open_images(tmp_path / f"{name}.parquet").names == ("a.png", "b.png")
