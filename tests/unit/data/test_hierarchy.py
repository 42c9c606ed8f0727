"""Caption hierarchies: lossless files, and one clear sentence for every kind of bad row."""

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies, write_hierarchies
from hierarcaps.runtime.errors import InputError

CHAIN = ("animal", "goat", "goat on an island", "a goat stands on an island, alone")
CONTRARY = ("vehicle", "horse", "goat in a barn", "a goat stands on an island in a crowd")
HEADER = "id,captions,image_url\n"
GOOD = "7,a => b => c => d,http://x/y/z.jpg\n"

caption = st.text(st.characters(codec="utf-8"), min_size=1).filter(
    lambda text: text.strip() and "=>" not in text
)
chain = st.tuples(caption, caption, caption, caption)
names = st.lists(st.sampled_from(["a.png", "b c.jpg", "ü.png"]), min_size=3, max_size=3)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet"])
@settings(deadline=None, max_examples=25)
@given(chains=st.lists(chain, min_size=3, max_size=3), images=names, negative=st.none() | chain)
def test_files_give_back_what_was_written(tmp_path_factory, suffix, chains, images, negative):
    items = [
        CaptionHierarchy(f"item {row}", tiers, image, negative)
        for row, (tiers, image) in enumerate(zip(chains, images, strict=True))
    ]
    path = tmp_path_factory.mktemp("hierarchies") / f"items{suffix}"
    write_hierarchies(path, items)
    assert read_hierarchies(path) == items


def test_official_test_columns(tmp_path: Path):
    path = tmp_path / "test.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    assert read_hierarchies(path) == [CaptionHierarchy("7", ("a", "b", "c", "d"), "z.jpg")]


def test_official_training_columns_number_the_rows(tmp_path: Path):
    path = tmp_path / "train.csv"
    path.write_text("positive,negative\na=>b =>c => d,e => f => g => h\n", encoding="utf-8")
    expected = CaptionHierarchy("0", ("a", "b", "c", "d"), None, ("e", "f", "g", "h"))
    assert read_hierarchies(path) == [expected]
    write_hierarchies(path, [expected])
    assert path.read_text().splitlines()[0] == "positive,negative"


def test_equal_items_give_equal_bytes(tmp_path: Path):
    items = [CaptionHierarchy("0", CHAIN, "a.png")]
    for name in ("first.csv.gz", "second.csv.gz"):
        write_hierarchies(tmp_path / name, items)
    assert (tmp_path / "first.csv.gz").read_bytes() == (tmp_path / "second.csv.gz").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + GOOD + "8,a => b => c,x.jpg\n", "line 3: found 3 tiers, expected 4"),
        (HEADER + "8,a => b => c => d => e,x.jpg\n", "line 2: found 5 tiers, expected 4"),
        (HEADER + "8,a =>  => c => d,x.jpg\n", "line 2: number 2 of the tiers is empty"),
        (HEADER + GOOD + GOOD, "line 3: id '7' was already given to line 2"),
        (HEADER + "8,a, b => c => d => e,x.jpg\n", "line 2: found 4 fields, expected 3"),
        (HEADER + '8,"a => b => c => d,x.jpg\n', "line 2: not a valid table row"),
        (
            "id,caption,image_url\n" + GOOD,
            "column 'captions' is missing, found 'id, caption, image",
        ),
        ("positive,image_url\na => b => c => d,x.jpg\n", "column 'negative' is missing"),
        ("positive,negative\na => b => c => d,\n", "line 2: found 1 negative tiers, expected 4"),
        (HEADER, "found no rows"),
        ("", "the file is empty"),
    ],
)
def test_bad_table_names_file_row_and_fault(tmp_path: Path, content: str, message: str):
    path = tmp_path / "captions.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read_hierarchies(path)
    assert "captions.csv" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"\x89PNG\r\n\x1a\n\xff", "not a CSV file"),
        ("x.csv.gz", b"id,captions", "cannot be read"),
        (
            "x.csv.gz",
            gzip.compress((HEADER + GOOD).encode(), mtime=0)[:-9],
            "cannot be read",
        ),
        ("x.parquet", b"PAR1", "not a readable Parquet file"),
        ("x.json", b"{}", "unknown kind of hierarchy file"),
    ],
)
def test_foreign_or_broken_file(tmp_path: Path, name: str, content: bytes, message: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_hierarchies(path)


def test_missing_file(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        read_hierarchies(tmp_path / "absent.csv")


def test_arrow_in_a_caption_fits_only_parquet(tmp_path: Path):
    item = CaptionHierarchy("3", ("a", "a => b", "c", "d"))
    with pytest.raises(InputError, match="item '3' has a caption that contains '=>'"):
        write_hierarchies(tmp_path / "x.csv", [item])
    assert list(tmp_path.iterdir()) == []
    write_hierarchies(tmp_path / "x.parquet", [item])
    assert read_hierarchies(tmp_path / "x.parquet") == [item]


def test_negatives_for_some_items_only_are_refused(tmp_path: Path):
    items = [CaptionHierarchy("0", CHAIN, None, CONTRARY), CaptionHierarchy("1", CHAIN)]
    with pytest.raises(InputError, match="1 of 2 hierarchies have negatives"):
        write_hierarchies(tmp_path / "x.csv", items)


@pytest.mark.parametrize("tiers", [CHAIN[:3], (*CHAIN[:3], " \t")])
def test_a_hierarchy_has_four_tiers_that_say_something(tiers):
    with pytest.raises(InputError):
        CaptionHierarchy("0", tiers)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_lone_surrogates_are_not_text(tmp_path: Path, suffix: str):
    item = CaptionHierarchy("0", (*CHAIN[:3], "broken \ud800"))
    with pytest.raises(InputError, match="not valid unicode"):
        write_hierarchies(tmp_path / f"x{suffix}", [item])
