import base64
import csv
import io
import json
import logging
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import open_images
from hierarcaps.review import PAGE_NAME, SHEET_NAME, count_decisions, export_review, read_review
from hierarcaps.review.sheet import COLUMNS, ReviewRow, fingerprint, read_sheet, write_sheet
from hierarcaps.runtime.errors import InputError

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "%%DATA%% %%SCRIPT%% \\1 \\u003c",
    "=1+1",
    "'=1+1",
    "''-2",
    "@SUM(A1)\t|cmd",
    "\ttab first",
    "a\r\nb\rc\nd",
    "nul \x00 bell \x07 escape \x1b[31m",
    "\u202eright to left\u202c עז على",
    "line \u2028 and paragraph \u2029",
    "👩‍👩‍👧‍👦 🐐",
    'says "goat", and; more',
    "a => b",
    "＝full width",
    "y" * 10_000,
]


def item(item_id="a", **changes):
    tiers = ("animal", "goat", "goat on an island", "a white goat on a small island")
    return replace(CaptionHierarchy(item_id, tiers, "goat.png"), **changes)


@pytest.fixture
def images():
    class Images(dict):
        def __getitem__(self, name):
            if name not in self:
                raise InputError(f"no image {name!r}")
            return super().__getitem__(name).copy()

    return Images({"goat.png": Image.new("RGB", (64, 64), "teal")})


@pytest.fixture
def exported(tmp_path, images):
    """Three items, their sheet, and a function that rewrites its cells by (id, column)."""
    items = [item("a"), item("b"), item("c")]
    export_review(items, images, tmp_path)
    sheet = tmp_path / SHEET_NAME

    def mark(changes):
        table = list(
            csv.DictReader(io.StringIO(sheet.read_bytes().decode("utf-8-sig"), newline=""))
        )
        for (item_id, column), text in changes.items():
            next(row for row in table if row["item_id"] == item_id)[column] = text
        with sheet.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(table)

    return items, sheet, mark


def page_data(folder):
    """The JSON of the page as an HTML parser sees it, and the names of all its tags."""

    class Parser(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.scripts = [], []

        def handle_starttag(self, tag, attrs):
            self.tags.append(tag)
            if tag == "script":
                self.scripts.append("")

        def handle_data(self, data):
            if self.tags and self.tags[-1] == "script":
                self.scripts[-1] += data

    parser = Parser()
    parser.feed((folder / PAGE_NAME).read_text(encoding="utf-8"))
    return json.loads(parser.scripts[0]), parser.tags


class TestSheet:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_texts_survive_the_round_trip(self, tmp_path, text):
        row = ReviewRow(text, "edit", (text,) * 4, "x.png", text, "0123")
        write_sheet(tmp_path / "s.csv", [row])
        assert read_sheet(tmp_path / "s.csv") == {text: (2, row)}

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.text(st.sampled_from("'=+-@\t\r\n\",a\x00 "), max_size=6), min_size=5, max_size=5
        )
    )
    def test_any_text_survives_the_round_trip(self, tmp_path_factory, texts):
        path = tmp_path_factory.mktemp("sheet") / "s.csv"
        row = ReviewRow("id", "", tuple(texts[:4]), "", texts[4], "")
        write_sheet(path, [row])
        assert read_sheet(path)["id"][1] == row

    def test_no_cell_begins_like_a_formula(self, tmp_path):
        rows = [ReviewRow(str(i), "", (text,) * 4, text, text) for i, text in enumerate(HOSTILE)]
        write_sheet(tmp_path / "s.csv", rows)
        text = (tmp_path / "s.csv").read_bytes().decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and cell]

    def test_what_a_spreadsheet_makes_of_it_is_read(self, tmp_path):
        path = tmp_path / "s.csv"
        path.write_bytes(
            b"tier_1,tier_2,tier_3,tier_4,item_id,decision\r\na,b,c,d,7, Accept \r\n,,,,,\r\n\r\n"
        )
        assert read_sheet(path) == {"7": (2, ReviewRow("7", "accept", ("a", "b", "c", "d")))}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is empty"),
            (b"item_id,decision\n", "column 'tier_1' is missing"),
            (b"item_id;decision;tier_1;tier_2;tier_3;tier_4\n", "column 'item_id' is missing"),
            (b"item_id,decision,tier_1,tier_2,tier_3,tier_4,who\n", "column 'who' is unknown"),
            (b"item_id,decision,tier_1,tier_2,tier_3,tier_4,image,image\n", "occurs twice"),
            (
                b"item_id,decision,tier_1,tier_2,tier_3,tier_4\nx,accept,a,b,c\n",
                "row 2: found 5 cells",
            ),
            (
                b"item_id,decision,tier_1,tier_2,tier_3,tier_4\nx,ok,a,b,c,d\n",
                "row 2 .*unknown decision 'ok'",
            ),
            (
                b"item_id,decision,tier_1,tier_2,tier_3,tier_4\nx,,a,b,c,d\nx,,a,b,c,d\n",
                "row 3: item id 'x' was already given in row 2",
            ),
            (
                b'item_id,decision,tier_1,tier_2,tier_3,tier_4\nx,,"a,b,c,d\n',
                "row 2: not a valid CSV row",
            ),
            ("item_id,décision".encode("latin-1"), "not UTF-8"),
        ],
    )
    def test_a_broken_sheet_is_refused_in_one_sentence(self, tmp_path, content, message):
        path = tmp_path / "s.csv"
        path.write_bytes(content)
        with pytest.raises(InputError, match=message) as error:
            read_sheet(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)

    def test_a_missing_sheet_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_sheet(tmp_path / "none.csv")


class TestReadReview:
    def test_only_accepted_and_edited_items_come_back_in_order(self, exported, caplog):
        items, sheet, mark = exported
        mark(
            {("c", "decision"): "accept", ("a", "decision"): "edit", ("a", "tier_2"): "billy goat"}
        )
        with caplog.at_level(logging.WARNING):
            curated = read_review(sheet, items)
        assert curated[1] == items[2]
        assert curated[0] == replace(items[0], tiers=("animal", "billy goat", *items[0].tiers[2:]))
        assert "1 of 3 items are undecided" in caplog.text
        assert count_decisions(sheet, items) == {
            "accept": 1,
            "edit": 1,
            "reject": 0,
            "undecided": 1,
        }

    def test_an_edit_drops_the_negatives_made_for_other_words(self, exported):
        items, sheet, mark = exported
        items = [
            replace(one, negatives=("plant", "sheep", "goat at home", "a black goat"))
            for one in items
        ]
        mark(
            {(i, "decision"): "edit" for i in "ab"}
            | {("a", "tier_1"): "beast", ("c", "decision"): "reject"}
        )
        assert [one.negatives for one in read_review(sheet, items)] == [None, items[1].negatives]

    def test_a_sheet_with_fewer_rows_leaves_the_others_undecided(self, exported):
        items, sheet, _ = exported
        write_sheet(sheet, [ReviewRow("b", "accept", items[1].tiers)])
        assert read_review(sheet, items) == [items[1]]
        assert count_decisions(sheet, items)["undecided"] == 2

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({("b", "item_id"): "zebra"}, "row 3: item id 'zebra' is not among the 3 items"),
            ({("b", "decision"): "edit", ("b", "tier_3"): " "}, "row 3 .*tier 3 is empty"),
            ({("c", "decision"): "accept", ("c", "tier_1"): ""}, "row 4 .*tier 1 is empty"),
            (
                {("a", "decision"): "accept", ("a", "tier_4"): "else"},
                "row 2 .*tier 4 is not the proposed",
            ),
        ],
    )
    def test_rows_that_cannot_be_used_are_refused(self, exported, changes, message):
        items, sheet, mark = exported
        mark(changes)
        with pytest.raises(InputError, match=message) as error:
            read_review(sheet, items)
        assert str(sheet) in str(error.value)

    def test_rejected_rows_and_drafts_may_have_empty_tiers(self, exported):
        items, sheet, mark = exported
        mark({("a", "decision"): "reject", ("a", "tier_1"): "", ("b", "tier_2"): ""})
        assert read_review(sheet, items) == []


class TestReexport:
    def test_keeps_decisions_edits_drafts_and_comments(self, exported, images):
        items, sheet, mark = exported
        mark(
            {
                ("a", "decision"): "edit",
                ("a", "tier_1"): "beast",
                ("b", "decision"): "reject",
                ("b", "comment"): "=blurred",
                ("c", "tier_4"): "half a thou",
            }
        )
        before = read_sheet(sheet)
        export_review(items, images, sheet.parent)
        assert read_sheet(sheet) == before
        content = sheet.read_bytes()
        export_review(items, images, sheet.parent)
        assert sheet.read_bytes() == content
        rows = [entry["row"] for entry in page_data(sheet.parent)[0]["items"]]
        assert [row["decision"] for row in rows] == ["edit", "reject", ""]
        assert rows[0]["tiers"][0] == "beast"

    def test_new_proposals_reach_untouched_rows_only(self, exported, images):
        items, sheet, mark = exported
        mark({("a", "decision"): "accept", ("b", "comment"): "hm"})
        anew = [replace(one, tiers=("thing", *one.tiers[1:])) for one in items]
        with pytest.raises(InputError, match="not the proposed caption"):
            read_review(sheet, anew)
        export_review(anew, images, sheet.parent)
        rows = {item_id: row for item_id, (_, row) in read_sheet(sheet).items()}
        # What the reviewer accepted stays, in the words that were accepted.
        assert (rows["a"].decision, rows["a"].tiers) == ("edit", items[0].tiers)
        assert rows["a"].proposal == fingerprint(items[0].tiers) != fingerprint(anew[0].tiers)
        assert (rows["b"].decision, rows["b"].tiers, rows["b"].comment) == ("", anew[1].tiers, "hm")
        assert rows["c"].tiers == anew[2].tiers
        assert read_review(sheet, anew) == [items[0]]

    def test_work_on_an_item_that_is_gone_is_not_thrown_away(self, exported, images):
        items, sheet, mark = exported
        export_review(items[:2], images, sheet.parent)  # untouched rows may go
        assert list(read_sheet(sheet)) == ["a", "b"]
        mark({("b", "decision"): "reject"})
        content = sheet.read_bytes()
        with pytest.raises(InputError, match="row 3: holds work on item 'b'"):
            export_review(items[:1], images, sheet.parent)
        assert sheet.read_bytes() == content

    def test_a_broken_sheet_is_left_as_it_is(self, exported, images):
        items, sheet, mark = exported
        mark({("a", "decision"): "maybe"})
        content = sheet.read_bytes()
        with pytest.raises(InputError, match="unknown decision"):
            export_review(items, images, sheet.parent)
        assert sheet.read_bytes() == content


class TestExport:
    @pytest.mark.parametrize(
        ("items", "message"),
        [
            ([], "no items"),
            ([item("a"), item("a")], "'a' occurs twice"),
            ([item(image="gone.png")], "gone.png"),
            ([item(tiers=("a", "b", "c", "\ud800"))], "not valid unicode"),
        ],
    )
    def test_refused_input_leaves_no_file(self, tmp_path, images, items, message):
        with pytest.raises(InputError, match=message):
            export_review(items, images, tmp_path / "out")
        assert not list(tmp_path.glob("out/*"))

    def test_hostile_captions_are_data_and_nothing_else(self, tmp_path, images):
        items = [item(text, tiers=(text,) * 4) for text in HOSTILE]
        export_review(items, images, tmp_path)
        data, tags = page_data(tmp_path)
        assert [entry["tiers"] for entry in data["items"]] == [[text] * 4 for text in HOSTILE]
        assert tags.count("script") == 2
        assert tags.count("img") == 1

    def test_the_page_needs_nothing_from_outside(self, tmp_path, images):
        export_review([item()], images, tmp_path)
        page = (tmp_path / PAGE_NAME).read_text(encoding="utf-8")
        assert "%%" not in page
        assert "default-src &#x27;none&#x27;" in page
        assert not re.search(r"""https?://|\b(src|href)\s*=\s*["'][^"']|@import|url\(""", page)

    def test_images_are_thumbnails_in_the_page(self, tmp_path, images):
        images["goat.png"] = Image.effect_noise((640, 480), 40).convert("RGB")
        export_review([item("a"), item("b", image=None)], images, tmp_path)
        first, second = page_data(tmp_path)[0]["items"]
        assert first["src"].startswith("data:image/webp;base64,")
        assert len(first["src"]) < 60_000
        assert second["src"] == ""

    def test_small_drawings_stay_exact(self, tmp_path, images):
        import base64

        export_review([item()], images, tmp_path)
        source = page_data(tmp_path)[0]["items"][0]["src"]
        image = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert image.convert("RGB").tobytes() == images["goat.png"].tobytes()

    def test_equal_input_gives_equal_files(self, tmp_path, images):
        for folder in ("x", "y"):
            export_review([item()], images, tmp_path / folder)
        for name in (PAGE_NAME, SHEET_NAME):
            assert (tmp_path / "x" / name).read_bytes() == (tmp_path / "y" / name).read_bytes()


def test_the_page_shows_pictures_upright_and_on_white(tmp_path):
    notes = Image.Exif()
    notes[274] = 6
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGBA", (10, 20), (255, 0, 0, 0)).save(folder / "goat.png", exif=notes)
    export_review([item()], open_images(folder), tmp_path)
    source = page_data(tmp_path)[0]["items"][0]["src"]
    shown = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")
    assert shown.size == (20, 10)
    assert shown.getpixel((0, 0)) == (255, 255, 255)
