import json
import unicodedata

import pandas as pd
import pytest
from captions_in_memory import prepare_captions
from hostile_captions import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.generation.sources import read_captions
from hierarcaps.generation.text import normalise, text_key, words
from hierarcaps.runtime.errors import InputError


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=200)
def test_normalised_text_is_one_clean_line_and_stays_so(text):
    once = normalise(text)
    assert normalise(once) == once
    assert once.isprintable() or "\u200c" in once or "\u200d" in once or _unprintable(once)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in once)
    assert once == once.strip()
    once.encode("utf-8")


def _unprintable(text):
    # Unassigned and private characters are kept: they are harmless, and tomorrow's emoji.
    return all(c.isprintable() or unicodedata.category(c) in ("Cn", "Co", "Cf") for c in text)


def test_normalise_keeps_meaning_and_drops_tricks():
    assert normalise("a red\x00 car\r\n\ton\u3000it") == "a red car on it"
    assert normalise(HOSTILE["override"]) == "a red car"
    assert normalise(HOSTILE["emoji"]) == HOSTILE["emoji"]
    assert normalise(HOSTILE["html"]) == HOSTILE["html"]
    assert normalise(HOSTILE["right_to_left"]) == HOSTILE["right_to_left"]
    assert normalise("cafe\u0301") == "café"
    assert words("A dog's 2 well-known toys!") == ["a", "dog's", "2", "well-known", "toys"]
    assert text_key("A Dog. ") == text_key("a  dog")


def test_prepare_captions_counts_every_row_once():
    captions = ["A duck.", "a duck", *HOSTILE.values(), None, 3.5, "a red car on the street"]
    table = pd.DataFrame({"caption": captions, "image": [None] * len(captions)}, dtype=object)
    kept, counts = prepare_captions(table, min_words=2)
    assert counts["entered"] == len(captions)
    assert sum(counts.values()) == 2 * counts["entered"]
    assert counts["duplicate"] == 1
    assert counts["separator"] == 1
    assert counts["too_long"] == 1
    assert counts["empty"] == 4
    assert len(kept) == counts["kept"]
    assert list(kept["caption"][:2]) == ["A duck.", "a red car [31m"]


def test_test_images_are_left_out_under_any_of_their_names():
    names = [
        "COCO_val2014_000000301718.jpg", "http://images.org/val2017/000000301718.jpg",
        "000000301719.jpg", None,
    ]  # fmt: skip
    table = pd.DataFrame({"caption": ["one", "two", "three", "four"], "image": names}, dtype=object)
    kept, counts = prepare_captions(table, ["x/COCO_val2014_000000301718.jpg"])
    assert list(kept["caption"]) == ["three", "four"]
    assert counts["test_image"] == 2


def test_every_kind_of_source_reads(tmp_path):
    coco = {
        "images": [{"id": 7, "file_name": "seven.jpg"}],
        "annotations": [{"image_id": 7, "caption": "A dog."}, {"image_id": 7, "caption": "Dog"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    (tmp_path / "cc.tsv").write_text('a "quoted" dog\thttp://x/1.jpg\nanother dog\t\n')
    (tmp_path / "t.csv").write_text("text,file\na dog,1.png\nNA,2.png\n")
    scenes = pd.DataFrame({"name": ["s.png"], "captions": [["a duck", "a red duck"]]})
    scenes.to_parquet(tmp_path / "scenes.parquet")
    assert read_captions(tmp_path / "coco.json", "coco")["image"].tolist() == ["seven.jpg"] * 2
    assert read_captions(tmp_path / "cc.tsv", "conceptual").values.tolist() == [
        ['a "quoted" dog', "http://x/1.jpg"], ["another dog", None],
    ]  # fmt: skip
    table = read_captions(tmp_path / "t.csv", "table", "text", "file")
    assert table["caption"].tolist() == ["a dog", "NA"]
    assert read_captions(tmp_path / "scenes.parquet", "scenes")["caption"].tolist() == [
        "a duck", "a red duck",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "a duck\thttp://x/1.jpg\na car\thttp://x/2\n",
        "caption\turl\na duck\thttp://x/1.jpg\na car\thttp://x/2\n",
        "http://x/1.jpg\ta duck\nhttp://x/2\ta car\n",
        "url\tcaption\nhttp://x/1.jpg\ta duck\nhttp://x/2\ta car\n",
        "a duck\thttp://x/1.jpg\tduck,sea\t/m/1\t0.9\na car\thttp://x/2\tcar\t/m/2\t0.8\n",
        "a duck\thttp://x/1.jpg\r\n\r\na car\thttp://x/2\r\n",
    ],
)
def test_conceptual_captions_are_read_in_each_published_form(tmp_path, content):
    (tmp_path / "cc.tsv").write_bytes(content.encode())
    assert read_captions(tmp_path / "cc.tsv", "conceptual").values.tolist() == [
        ["a duck", "http://x/1.jpg"], ["a car", "http://x/2"],
    ]  # fmt: skip


def test_a_return_within_a_caption_ends_no_row(tmp_path):
    (tmp_path / "cc.tsv").write_bytes(b"a duck\r at sea\thttp://x/1.jpg\n")
    table = read_captions(tmp_path / "cc.tsv", "conceptual")
    assert prepare_captions(table)[0]["caption"].tolist() == ["a duck at sea"]


def test_a_table_finds_its_images_and_leaves_those_of_the_test_out(tmp_path):
    (tmp_path / "t.csv").write_text("caption,image_url\na duck,http://x/1.jpg?w=9\na car,2.jpg\n")
    kept, counts = prepare_captions(read_captions(tmp_path / "t.csv"), ["1.png"])
    assert kept["caption"].tolist() == ["a car"]
    assert counts["test_image"] == 1


def test_a_null_caption_and_an_address_are_no_captions(tmp_path):
    annotations = [{"image_id": 1, "caption": text} for text in ("a cat", None, "see.jpg")]
    coco = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": annotations}
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    kept, counts = prepare_captions(read_captions(tmp_path / "coco.json", "coco"))
    assert kept["caption"].tolist() == ["a cat"]
    assert (counts["empty"], counts["address"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "kind", "message"),
    [
        ("a.json", "{}", "coco", "'images' .*and 'annotations'"),
        ("a.json", "not json", "coco", "cannot be read"),
        (
            "a.json",
            '{"images": [], "annotations": [{"image_id": 1, "caption": "a"}]}',
            "coco",
            "names image 1",
        ),
        ("a.json", '{"images": [], "annotations": [{"image_id": 1}]}', "coco", "no 'caption'"),
        ("a.csv", "x,y\n1,2\n", "table", "no column 'caption'; found 'x, y'"),
        ("a.parquet", "PAR", "scenes", "not a readable"),
        ("a.csv", "", "nothing", "expected one of"),
    ],
)
def test_bad_sources_get_one_sentence(tmp_path, name, content, kind, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        read_captions(tmp_path / name, kind)


def test_missing_source():
    with pytest.raises(InputError, match="no such caption file"):
        read_captions("nowhere.csv")
