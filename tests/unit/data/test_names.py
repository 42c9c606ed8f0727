"""Names of images: one form on reading, forgiving where only one file can be meant."""

import unicodedata

import pytest
from PIL import Image

from hierarcaps.data.images import open_images
from hierarcaps.data.leakage import image_key
from hierarcaps.data.names import NameIndex, file_name, is_company, is_sentence, names_an_image
from hierarcaps.runtime.errors import InputError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("http://x.org/a/000.jpg", "000.jpg"),
        ("http://x.org/a/000.jpg?width=640", "000.jpg"),
        ("https://x.org/000.png#top", "000.png"),
        ("https://x.org/image.php?id=7", "image.php?id=7"),  # the query is the image
        ("https://x.org/with%20space.jpg", "with space.jpg"),
        ("https://x.org/100%25%20%231%20%3Fx.jpg", "100% #1 ?x.jpg"),
        ("https://x.org/o/pictures%2Fduck.jpg?alt=media", "duck.jpg"),
        ("C:\\photos\\000.jpg", "000.jpg"),
        ("photos/000.jpg", "000.jpg"),
        ("100% #1 ?x.jpg", "100% #1 ?x.jpg"),
        (unicodedata.normalize("NFD", "café.jpg"), "café.jpg"),
    ],
)
def test_a_name_is_what_an_address_or_a_path_ends_in(text, name):
    assert file_name(text) == name
    assert file_name(name) == name


def test_a_file_is_found_by_another_spelling_of_its_name(tmp_path):
    for name in (
        unicodedata.normalize("NFD", "café à Zürich.jpg"),
        "with space.jpg",
        "a%20b.jpg",
        "0.jpg?w=9",
    ):
        Image.new("RGB", (4, 4)).save(tmp_path / name, "JPEG")
    store = open_images(tmp_path)
    for name in ("café à Zürich.jpg", "with%20space.jpg", "a b.jpg", "0.jpg"):
        assert name in store
        assert store[name].size == (4, 4)
    assert "Café à Zürich.jpg" not in store


def test_a_spelling_that_two_files_share_finds_neither():
    index = NameIndex(["a b.jpg", "a%20b.jpg"])
    assert index.find("a b.jpg") == "a b.jpg"
    assert index.find("a%20b.jpg") == "a%20b.jpg"
    assert NameIndex(["a%20b.jpg", "a%20%62.jpg"]).find("a b.jpg") is None


@pytest.mark.parametrize("name", ["000.JPG", "000.png", "img/000.jpg", "00.jpg"])
def test_the_nearest_name_is_said(tmp_path, name):
    Image.new("RGB", (4, 4)).save(tmp_path / "000.jpg")
    with pytest.raises(InputError, match=r"; is it '000\.jpg'\?$"):
        open_images(tmp_path)[name]


@pytest.mark.parametrize(
    "name", ["000.jpg?v=1.2", "https://x.org/val2017/000.jpg?v=1.2#a", "train\\000.png", "000"]
)
def test_a_test_image_is_known_under_any_spelling(name):
    assert image_key(name) == image_key("http://images.org/COCO_val2014_000.jpg") == "000"


def test_what_programs_leave_is_no_image():
    left = [".DS_Store", "._0.jpg", "Thumbs.db", "desktop.ini", "__MACOSX", ".ipynb_checkpoints"]
    assert all(map(is_company, left))
    assert not any(map(is_company, ["duck", "0.jpg", "thumbs.jpg"]))


def test_sentences_and_names_are_told_apart():
    assert all(map(names_an_image, ["a.jpg", "http://x.org/1", "A.JPEG "]))
    assert not any(map(names_an_image, ["a duck", "duck", "see a.jpg", "12"]))
    assert all(map(is_sentence, ["a red duck", " on a beach, near the sea 0"]))
    assert not any(map(is_sentence, ["with space.jpg", "my own duck.jpg", "http://a b c/d", "12"]))
