"""The explorer's files: what they hold, what they never hold, and what cannot become one."""

import base64
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import Run
from hierarcaps.explorer import explorer_files, export_explorer
from hierarcaps.explorer.export import PICTURE_FILES
from hierarcaps.explorer.page import first_pair, render_page
from hierarcaps.explorer.pictures import LONGEST_SIDE
from hierarcaps.runtime.errors import InputError

BEFORE, AFTER = Run("rn", "zeroshot", 0), Run("rn", "re", 0)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)> <!-- ]]> &lt;",
    "%%DATA%% \u202eevil\u202c \u2028 \x00 '\"\\ 👩‍👩‍👧‍👦 عنز",
    "x" * 10_000,
)


class Pictures(dict):
    """An image store in memory."""

    def __getitem__(self, name):
        if name not in self:
            raise InputError(f"images: has no image named {name!r}")
        return super().__getitem__(name).copy()


IMAGES = Pictures(
    {"a.png": Image.new("RGB", (64, 64), "teal"), "b.png": Image.new("RGB", (900, 600), "plum")}
)


def make_items(count=3):
    return [
        CaptionHierarchy(f"i{n}", ("animal", "bird", f"duck {n}", f"duck {n} on grass"), "a.png")
        for n in range(count)
    ]


def write_run(run, results, items, **changes):
    """A run that retrieves a wrong text, then the second and the last tier of every item."""
    table = pd.DataFrame(
        {
            "item_id": [item.item_id for item in items],
            "image": [item.image for item in items],
            "precision": 2 / 3,
            "recall": 0.5,
            "retrieved": [["a thing", item.tiers[1], item.tiers[3]] for item in items],
            "retrieved_radii": [np.array([0.5, 0.75, 1.123456])] * len(items),
            "gold": [list(item.tiers) for item in items],
        }
    ).assign(**changes)
    run.folder(results).mkdir(parents=True, exist_ok=True)
    table.to_parquet(run.folder(results) / "hierarchical_retrieval.parquet", index=False)


def export(tmp_path, items, runs=(BEFORE,), **changes):
    for run in runs:
        write_run(run, tmp_path, items, **changes)
    export_explorer(items, IMAGES, runs, tmp_path, tmp_path / "explorer")
    return tmp_path / "explorer"


def read_data(path):
    name, content = re.fullmatch(r"explorerData\((\"[^\"]+\"),(.*)\);\n", path.read_text()).groups()
    assert json.loads(name) == path.name
    return json.loads(content)


def read_page(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="page">(.*?)</script>', text)[1])


@pytest.mark.parametrize("count", [1, 5, PICTURE_FILES + 1, 3 * PICTURE_FILES])
def test_the_set_of_files_depends_on_the_runs_alone(tmp_path, count):
    folder = export(tmp_path, make_items(count), (BEFORE, AFTER))
    assert sorted(path.name for path in folder.iterdir()) == sorted(explorer_files(2))
    pictures = [read_data(path) for path in sorted(folder.glob("pictures-*.js"))]
    assert sum(map(len, pictures)) == count
    size = read_page(folder)["per_file"]
    assert all(pictures[n // size][n % size].startswith("data:image/webp") for n in range(count))


def test_a_run_is_told_in_text_numbers_and_rounded_radii(tmp_path):
    items = make_items()
    folder = export(tmp_path, items)
    captions = read_data(folder / "captions.js")
    run = read_data(folder / "run-000.js")
    texts = captions["texts"]
    assert [texts[number] for number in captions["items"][2][2]] == list(items[2].tiers)
    precision, recall, retrieved, radii = run["rows"][2]
    assert (precision, recall, radii) == (0.6667, 0.5, [0.5, 0.75, 1.1235])
    assert [texts[number] for number in retrieved] == ["a thing", "bird", "duck 2 on grass"]
    assert (run["low"], run["high"]) == (0.5, 1.1235)


def test_rows_follow_the_items_whatever_the_order_of_the_table(tmp_path):
    items = make_items()
    write_run(BEFORE, tmp_path, items[::-1], precision=[0.0, 0.1, 0.2])
    export_explorer(items, IMAGES, [BEFORE], tmp_path, tmp_path / "explorer")
    rows = read_data(tmp_path / "explorer" / "run-000.js")["rows"]
    assert [row[0] for row in rows] == [0.2, 0.1, 0.0]


def test_equal_input_gives_equal_bytes_and_the_page_knows_the_version_of_its_data(tmp_path):
    items = make_items()
    first = {p.name: p.read_bytes() for p in export(tmp_path, items, (BEFORE, AFTER)).iterdir()}
    again = {p.name: p.read_bytes() for p in export(tmp_path, items, (BEFORE, AFTER)).iterdir()}
    assert first == again
    before = read_page(tmp_path / "explorer")["versions"]
    after = read_page(export(tmp_path, items, (BEFORE, AFTER), recall=0.25))["versions"]
    assert {name for name in before if before[name] != after[name]} == {"run-000.js", "run-001.js"}


def test_files_of_former_runs_go_and_other_files_stay(tmp_path):
    folder = export(tmp_path, make_items(), (BEFORE, AFTER))
    (folder / "notes.js").write_text("mine")
    export(tmp_path, make_items())
    assert {p.name for p in folder.iterdir()} == {*explorer_files(1), "notes.js"}


def test_hostile_captions_and_names_stay_data(tmp_path):
    images = Pictures({'"><img onerror=x>.png': Image.new("RGB", (8, 8))})
    items = [CaptionHierarchy("</title>", HOSTILE, next(iter(images)))]
    run = Run("<b>%%SCRIPT%%", "zeroshot", 0)
    write_run(run, tmp_path, items)
    export_explorer(items, images, [run], tmp_path, tmp_path / "explorer")
    folder = tmp_path / "explorer"
    for path in folder.glob("*.js"):
        content = path.read_bytes()
        assert content.isascii()
        assert not re.search(rb"[<>&\x00-\x09\x0b-\x1f]", content)
    captions = read_data(folder / "captions.js")
    assert tuple(captions["texts"][:4]) == HOSTILE
    assert captions["items"][0][:2] == ["</title>", next(iter(images))]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("</script>") == 2
    assert read_page(folder)["runs"] == [["<b>%%SCRIPT%%", "zeroshot", 0]]


def test_pictures_are_small_and_items_without_one_are_blank(tmp_path):
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "b.png"),
        CaptionHierarchy("1", ("a", "b", "c", "d")),
    ]
    folder = export(tmp_path, items)
    uri = read_data(folder / "pictures-000.js")[0]
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert picture.size == (LONGEST_SIDE, LONGEST_SIDE * 600 // 900)
    assert read_data(folder / "pictures-001.js") == [""]


def test_the_script_never_makes_markup_of_text_and_the_page_loads_nothing_from_elsewhere():
    page = render_page({"items": 0, "per_file": 0, "versions": {}, "runs": [], "pair": []})
    words = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    )
    assert not re.search(words, page)
    assert not re.search(r"https?://|//[a-z]+\.", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert "default-src &#x27;none&#x27;" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("runs", "pair"),
    [
        ([("a", "zeroshot", 0), ("b", "zeroshot", 0), ("b", "re", 0), ("b", "re", 1)], [1, 2]),
        ([("a", "ec", 0), ("a", "zeroshot", 0), ("a", "zeroshot", 1)], [1, 0]),
        ([("a", "ec", 0), ("b", "re", 0), ("a", "zeroshot", 0), ("b", "zeroshot", 0)], [3, 1]),
        ([("a", "zeroshot", 0), ("b", "zeroshot", 0), ("b-untrained", "zeroshot", 2)], [2, 1]),
        ([("a", "zeroshot", 0), ("b", "zeroshot", 0), ("random", "baseline", 0)], [0, 1]),
        ([("a", "zeroshot", 0)], [0]),
    ],
)
def test_the_first_comparison_is_before_and_after(runs, pair):
    assert first_pair([Run(*run) for run in runs]) == pair


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item_id": ["i0", "i1", "other"]}, "has no row of item 'i2'"),
        ({"gold": [["a", "b", "c", "d"]] * 3}, "other gold tiers for item 'i0'"),
        ({"retrieved_radii": [[0.1, np.nan, 0.2]] * 3}, "3 retrieved texts and 2 finite radii"),
        ({"retrieved": [[]] * 3, "retrieved_radii": [[]] * 3}, "at least one"),
    ],
)
def test_results_of_another_test_set_are_refused(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as raised:
        export(tmp_path, make_items(), **changes)
    assert "hierarchical_retrieval.parquet" in str(raised.value)
    assert not (tmp_path / "explorer").exists()


def test_missing_input_leaves_an_earlier_explorer_whole(tmp_path):
    items = make_items()
    folder = export(tmp_path, items)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    table = AFTER.folder(tmp_path) / "hierarchical_retrieval.parquet"
    with pytest.raises(InputError, match="not found: run the evaluation"):
        export_explorer(items, IMAGES, [BEFORE, AFTER], tmp_path, folder)
    write_run(AFTER, tmp_path, items)
    pd.read_parquet(table).drop(columns="recall").to_parquet(table)
    with pytest.raises(InputError, match="recall"):
        export_explorer(items, IMAGES, [AFTER], tmp_path, folder)
    table.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="expected a Parquet table"):
        export_explorer(items, IMAGES, [AFTER], tmp_path, folder)
    with pytest.raises(InputError, match="listed twice"):
        export_explorer(items, IMAGES, [BEFORE, BEFORE], tmp_path, folder)
    with pytest.raises(InputError, match="3 test items and 0 runs"):
        export_explorer(items, IMAGES, [], tmp_path, folder)
    with pytest.raises(InputError, match=r"no image named 'a\.png'"):
        export_explorer(items, Pictures(), [BEFORE], tmp_path, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
