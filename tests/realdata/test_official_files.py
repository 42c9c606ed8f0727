"""The official HierarCaps files and images are read whole."""

import csv
import gzip
from pathlib import Path

from hierarcaps.data.hierarchy import read_hierarchies, write_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.data.leakage import leave_out


def test_test_set(real_data: Path):
    items = read_hierarchies(real_data / "hierarcaps" / "hierarcaps_test.csv")
    assert len(items) == 1000
    assert items[1].item_id == "1"
    assert items[1].tiers[:2] == ("bird", "blue bird")
    assert items[1].image == "COCO_val2014_000000100489.jpg"
    store = open_images(real_data / "hierarcaps" / "test_imgs")
    assert {item.image for item in items} == set(store.names)
    assert min(store[items[0].image or ""].size) > 200


def test_expanded_set_keeps_every_character(real_data: Path, tmp_path: Path):
    path = real_data / "hierarcaps" / "hierarcaps_test_expanded.csv.gz"
    items = read_hierarchies(path)
    assert len(items) == 23_479
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [" => ".join(item.tiers) for item in items] == [row["positive"] for row in rows]
    assert [" => ".join(item.negatives or ()) for item in items] == [r["negative"] for r in rows]
    for name in ("copy.csv.gz", "copy.parquet"):
        write_hierarchies(tmp_path / name, items)
        assert read_hierarchies(tmp_path / name) == items


def test_expanded_items_of_test_images_are_left_out(real_data: Path):
    folder = real_data / "hierarcaps"
    items = read_hierarchies(folder / "hierarcaps_test_expanded.csv.gz")
    tested = [item.image or "" for item in read_hierarchies(folder / "hierarcaps_test.csv")]
    assert len(items) - len(leave_out(items, tested)) == 4_709


def test_training_items(real_data: Path):
    items = read_hierarchies(real_data / "hierarcaps" / "train100.tsv")
    assert len(items) == 100
    assert all(item.negatives and item.image is None for item in items)
