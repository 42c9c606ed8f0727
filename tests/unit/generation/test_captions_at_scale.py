"""What DuckDB does with captions is what plain Python does with them, a caption at a time."""

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from captions_in_memory import prepare_captions

from hierarcaps.data.leakage import image_key
from hierarcaps.generation import caption_files, preparation, sampling
from hierarcaps.generation.preparation import Limits, judge
from hierarcaps.generation.sources import caption_parts
from hierarcaps.generation.steps.captions import make_captions
from hierarcaps.generation.text import words
from hierarcaps.runtime.errors import InputError

LIMITS = {"min_words": 2, "max_words": 6, "max_characters": 40}
PIECES = (
    "a", "red", "DOG", "dog", "it's", "well-known", "3.5", "x_y", "--", "don’t", "straße", "SS",
    "İ", "K", "é", "東京", "=>", "a.jpg", "http://x/y", ".", " ", "  ", ",", "?!", "'", "\x00",
    "\t", "\r", "\x1c", "\u200b", "\u00a0", "e\u0301", "\ud800", "&amp;",
)  # fmt: skip
IMAGES = (
    None, "", "1.jpg", "1", "1.png.jpg", "COCO_val2014_1.jpg", "http://x/a/1.jpg?w=5", "x/%31.jpg",
    "a\\1.jpg", "1.", ".1", "1/", "2.jpg", "é.jpg", "e\u0301.png", "a b.jpg", "a%20b.jpg", "1.jp\n",
)  # fmt: skip
TEST_IMAGES = ("1.jpg", "é.jpg", "x/a b.jpg")


def plainly(rows, excluded):
    counts = dict.fromkeys((*preparation.REASONS, "kept"), 0)
    known, seen, kept = {image_key(name) for name in excluded}, set(), []
    for caption, image in rows:
        reason, text, key = judge(caption, Limits(**LIMITS))
        if image is not None and image_key(image) in known:
            reason = "test_image"
        elif reason is None and key in seen:
            reason = "duplicate"
        if reason is None:
            seen.add(key)
            kept.append((text, image))
        counts[reason or "kept"] += 1
    return kept, {"entered": len(rows), **counts}


@pytest.mark.parametrize("excluded", [(), TEST_IMAGES])
def test_captions_are_judged_as_one_by_one(excluded):
    rng = random.Random(0)
    texts = [rng.choice(("", " ")).join(rng.choices(PIECES, k=n % 9)) for n in range(3000)]
    rows = [(text, rng.choice(IMAGES)) for text in [None, *texts, "word " * 500, "DOG. " * 2]]
    table = pd.DataFrame(rows, columns=["caption", "image"], dtype=object)
    kept, counts = prepare_captions(table, excluded, **LIMITS)
    expected, expected_counts = plainly(rows, excluded)
    assert [tuple(row) for row in kept.values] == expected
    assert counts == expected_counts
    assert all(counts[reason] for reason in preparation.REASONS[not excluded :])


def test_rows_stay_in_order_behind_what_a_database_holds_together(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    # DuckDB's groups are of 122,880 rows; the duplicates are of the first, in the last.
    captions = [f"duck {number % 240_000}" for number in range(250_000)]
    table = pd.DataFrame({"caption": captions, "image": [None] * len(captions)}, dtype=object)
    kept, counts = prepare_captions(table)
    assert kept["caption"].tolist() == captions[:240_000]
    assert counts["duplicate"] == 10_000


def covering(captions, size, seed):
    """The sample as it is meant: all captions and holders at hand, the least covered looked up."""
    bags = [sorted(set(words(caption))) for caption in captions]
    holders = {}
    for index in np.random.default_rng(seed).permutation(len(captions)):
        for word in bags[index]:
            holders.setdefault(word, []).append(int(index))
    covered, chosen = dict.fromkeys(holders, 0), {}
    while len(chosen) < min(size, len(captions)) and covered:
        word = min(covered, key=covered.__getitem__)
        while holders[word] and holders[word][-1] in chosen:
            holders[word].pop()
        if not holders[word]:
            del covered[word]
            continue
        chosen[holders[word].pop()] = None
        for other in bags[list(chosen)[-1]]:
            if other in covered:
                covered[other] += 1
    return list(chosen)


def write(path, captions):
    columns = {"caption": captions, "image": [None] * len(captions)}
    schema = pa.schema([("caption", pa.string()), ("image", pa.string())])
    table = pa.table(columns, schema=schema)
    caption_files.write_captions(path, [table[:50], table[50:]])


@pytest.mark.parametrize("batch", [sampling.BATCH_ROWS, 60])
@pytest.mark.parametrize("words_known", [3, 30, 2000])
def test_the_sample_is_that_of_all_captions_at_hand(tmp_path, monkeypatch, words_known, batch):
    monkeypatch.setattr(sampling, "BATCH_ROWS", batch)
    monkeypatch.setattr(sampling, "_PART_BATCHES", 2)
    rng = random.Random(words_known)
    known = [*(f"w{number}" for number in range(words_known)), "İx", "é東", "it's", "K"]
    captions = [
        " ".join(known[min(int(rng.paretovariate(0.7)) - 1, len(known) - 1)] for _ in range(count))
        for count in rng.choices(range(1, 9), k=400)
    ]
    write(tmp_path / "c.parquet", captions)
    for size in (9, 120, 999):
        found = sampling.sample_covering(tmp_path / "c.parquet", size, seed=2)
        assert found == covering(captions, size, 2)


def test_sampling_covers_rare_words(tmp_path):
    captions = ["a common dog on grass"] * 300 + ["a rare zebra", "an owl"]
    write(tmp_path / "c.parquet", captions)

    def sample(size, seed):
        return sampling.sample_covering(tmp_path / "c.parquet", size, seed)

    chosen = sample(30, 0)
    assert len(set(chosen)) == 30
    assert {300, 301} <= set(chosen)
    assert chosen == sample(30, 0)
    assert chosen != sample(30, 1)
    assert sorted(sample(999, 0)) == list(range(302))
    write(tmp_path / "c.parquet", [])
    assert sample(5, 0) == []


def test_a_plain_sample_is_of_pandas_and_rows_are_taken_in_order(tmp_path):
    captions = [f"caption {number}" for number in range(120)]
    write(tmp_path / "c.parquet", captions)
    rows = sampling.sample_plainly(tmp_path / "c.parquet", 70, seed=3)
    expected = pd.Series(captions).sample(frac=1, random_state=3).head(70)
    taken = caption_files.take(tmp_path / "c.parquet", rows)["caption"].to_pylist()
    assert taken == expected.tolist()
    part = caption_files.read_captions(tmp_path / "c.parquet", range(40, 43))
    assert part.values.tolist() == [[f"caption {number}", None] for number in range(40, 43)]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_parts_and_threads_change_no_byte(tmp_path, monkeypatch, threads):
    rng = random.Random(5)
    rows = [f"{' '.join(rng.choices(PIECES[:8], k=3))}\thttp://x/{n}.jpg" for n in range(700)]
    (tmp_path / "cc.tsv").write_text("\n".join(rows))
    source = [{"path": tmp_path / "cc.tsv", "kind": "conceptual"}]
    limits = {"min_words": 2, "max_words": 60, "max_characters": 300}
    outputs = []
    for part, told in ((1 << 16, "2"), (7, threads)):
        monkeypatch.setattr("hierarcaps.data.captions.PART_ROWS", part)
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        make_captions(source, ["5.jpg"], limits, tmp_path / "c.parquet", tmp_path / "c.json")
        outputs.append([(tmp_path / f"c.{kind}").read_bytes() for kind in ("parquet", "json")])
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("name", "kind", "rows", "fault"),
    [
        ("a.csv", "table", "caption,url\n" + "a duck,http://x/1.jpg\n" * 9 + "a duck\n", "line 11"),
        ("a.csv", "table", "caption,url\n" + "http://x/1.jpg,1.jpg\n" * 9, "in 9 of 9 rows"),
        ("a.tsv", "conceptual", "a duck\thttp://x/1.jpg\n" * 9 + "a duck\n", "line 10"),
        ("a.tsv", "conceptual", "a duck\thttp://x/1.jpg\n" * 9 + "a duck\ta\n", "line 10"),
    ],
)
def test_a_fault_behind_the_first_part_is_told_by_its_line(
    tmp_path, monkeypatch, name, kind, rows, fault
):
    for module in ("captions", "tables"):
        monkeypatch.setattr(f"hierarcaps.data.{module}.PART_ROWS", 4)
    (tmp_path / name).write_text(rows)
    with pytest.raises(InputError, match=fault):
        list(caption_parts(tmp_path / name, kind))


def test_a_parquet_table_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("hierarcaps.data.tables.PART_ROWS", 4)
    table = pd.DataFrame({"caption": [f"duck {n}" for n in range(9)], "url": [None] * 9})
    table.to_parquet(tmp_path / "a.parquet")
    parts = list(caption_parts(tmp_path / "a.parquet"))
    assert [len(part) for part in parts] == [4, 4, 1]
    assert [text for part in parts for text in part.columns["caption"]] == list(table["caption"])
    assert parts[2].where(0).endswith("row 9")


def test_no_room_is_one_sentence(tmp_path, monkeypatch):
    import duckdb

    def full(*_):
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(preparation, "_stage", full)
    with pytest.raises(InputError, match=r"No space left .*another folder by TMPDIR"):
        prepare_captions(pd.DataFrame({"caption": ["a"], "image": [None]}))
