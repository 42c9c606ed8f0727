"""The review page in a real browser: clicked through, and driven by keys alone."""

import time
from dataclasses import replace

import pytest
from page_checks import contrast
from PIL import Image

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.review import PAGE_NAME, SHEET_NAME, export_review, read_review
from hierarcaps.review.sheet import read_sheet, write_sheet

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

STORED = "return Object.entries(localStorage).sort()"
CTRL_ENTER, CTRL_Z, CTRL_A = ((Keys.CONTROL, key) for key in (Keys.ENTER, "z", "a"))
ITEMS = [
    CaptionHierarchy(
        f"item-{i}", ("animal", name, f"{name} on grass", f"a small {name} on grass"), "a.png"
    )
    for i, name in enumerate(("goat", "duck", "horse", "cat", "dog"))
]
HOSTILE = [
    CaptionHierarchy(
        "html", ("<b>x</b>", "</script><script>document.title='x'</script>", "&lt;", "%%DATA%%")
    ),
    CaptionHierarchy(
        "img", ("<img src=x onerror=document.title=1>", "<!-- <script>", "'\"><svg>", "]]>")
    ),
    CaptionHierarchy("=1+1", ("=1+1", "'=1", "''+x", "＝1")),
    CaptionHierarchy("controls", ("a\x00b\x07", "\ttab", "l\r\nm\rn\no", "\u2028 \x1b[31m \ufffe")),
    CaptionHierarchy("rtl", ("عز", "\u202eevil\u202c", "👩‍👩‍👧‍👦🐐", 'say "hi", ok;')),
    CaptionHierarchy("long", ("x", "word " * 2000, "y" * 10_000, "a => b")),
]


class Review:
    """A page under test, with the reviewer's hands."""

    def __init__(self, driver, folder, items):
        self.driver, self.folder, self.items, self.address = driver, folder, items, None
        self.export()
        self.open()

    def export(self):
        images = {"a.png": Image.new("RGB", (64, 48), "teal")}
        export_review(self.items, _Copies(images), self.folder)

    def open(self):
        """Load the page; again while Chromium shows it less than the page before it has stored."""
        stored = [] if self.address is None else self.script(STORED)
        self.address = (self.folder / PAGE_NAME).as_uri()

        def shown(driver):
            driver.get(self.address)
            return self.script(STORED) == stored

        WebDriverWait(self.driver, 10, poll_frequency=0.05).until(shown)

    def keys(self, *keys):
        """Press keys one by one, type texts, press (Control, key) together."""
        for key in keys:
            chain = ActionChains(self.driver)
            if isinstance(key, tuple):
                chain.key_down(key[0]).send_keys(key[1]).key_up(key[0]).perform()
            else:
                chain.send_keys(key).perform()

    def click(self, name):
        self.driver.find_element(By.ID, name).click()

    def text(self, name):
        return self.driver.find_element(By.ID, name).text

    @property
    def said(self):
        """What the page said last, which fades away: on a busy machine before a test looks."""
        return self.driver.find_element(By.ID, "status").get_attribute("textContent")

    def tier(self, number):
        return self.driver.find_element(By.ID, f"tier-{number}")

    @property
    def counts(self):
        return self.text("counts")

    @property
    def position(self):
        return self.text("position")

    def download(self):
        """Wait for the CSV that the page saves, and return its path."""
        path = self.driver.downloads / SHEET_NAME
        for _ in range(100):
            if path.exists() and not list(self.driver.downloads.glob("*.crdownload")):
                return path
            time.sleep(0.05)
        raise AssertionError("the page saved no CSV")

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)


class _Copies(dict):
    def __getitem__(self, name):
        return super().__getitem__(name).copy()


@pytest.fixture
def review(chromium, tmp_path):
    """Opens a review of the given items; the browser starts with an empty storage."""

    def start(items=ITEMS):
        return Review(chromium, tmp_path, items)

    for path in chromium.downloads.iterdir():
        path.unlink()
    yield start
    errors = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    chromium.execute_script("localStorage.clear()")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert not errors


def test_a_review_by_mouse_is_read_back(review):
    page = review()
    assert page.position == "Item 1 of 5"
    page.click("accept")
    page.click("reject")
    page.tier(2).click()
    page.keys(CTRL_A, "pony")
    assert page.text("accept") == "Accept edits A"
    page.click("accept")
    page.click("next")
    assert page.position == "Item 5 of 5"
    assert page.counts == "3 of 5 decided · 1 accepted, 1 edited, 1 rejected · 3 to save"
    page.click("save")
    curated = read_review(page.download(), ITEMS)
    pony = replace(ITEMS[2], tiers=("animal", "pony", *ITEMS[2].tiers[2:]))
    assert curated == [ITEMS[0], pony]
    assert page.counts.endswith("nothing to save")


def test_a_review_by_keys_alone_is_read_back(review):
    page = review()
    page.keys("a", "r")
    page.keys("1", " of the farm", Keys.ENTER, "x", Keys.ENTER, Keys.ENTER, Keys.ENTER)
    page.keys("c", "no horse here: a", Keys.ESCAPE, "a")  # the letter in the text is only a letter
    page.keys("4", " asleep", CTRL_ENTER)
    assert page.position == "Item 5 of 5"
    page.keys("g", "2", Keys.ENTER)
    assert (page.position, page.text("badge")) == ("Item 2 of 5", "rejected")
    page.keys("k", Keys.ARROW_RIGHT, "j", "k", "x", "n")
    assert page.position == "Item 5 of 5"
    page.keys("r", "s")
    rows = read_sheet(page.download())
    assert [row.decision for _, row in rows.values()] == ["accept", "", "edit", "edit", "reject"]
    assert rows["item-2"][1].tiers == ("animal of the farm", "horsex", *ITEMS[2].tiers[2:])
    assert rows["item-2"][1].comment == "no horse here: a"
    assert rows["item-3"][1].tiers[3] == "a small cat on grass asleep"


def test_undo_takes_back_one_step_at_a_time(review):
    page = review()
    page.keys("2", "xyz", Keys.ESCAPE, "a", "r", "j")
    page.keys("u")
    assert (page.position, page.text("badge")) == ("Item 2 of 5", "undecided")
    page.keys(CTRL_Z)
    assert (page.position, page.text("badge")) == ("Item 1 of 5", "undecided")
    assert page.tier(2).get_attribute("value") == "goatxyz"
    page.click("undo")
    assert page.tier(2).get_attribute("value") == "goat"
    assert not page.driver.find_element(By.ID, "undo").is_enabled()


def test_the_filter_shows_what_is_left_to_do(review):
    page = review()
    page.keys("j", "a", "f")
    assert page.position == "Item 3 of 5"
    page.keys("k")
    assert page.position == "Item 1 of 5"
    page.keys("a", "a", "r", "r")
    assert page.text("empty-title") == "Every item is decided"
    page.keys("a", "u")
    assert (page.position, page.text("badge")) == ("Item 5 of 5", "undecided")
    Select(page.driver.find_element(By.ID, "filter")).select_by_value("reject")
    assert page.position == "Item 4 of 5"
    page.keys(Keys.ESCAPE, "f", "f")
    assert page.driver.find_element(By.ID, "filter").get_attribute("value") == "all"


def test_an_empty_tier_cannot_be_accepted(review):
    page = review()
    page.keys("3", CTRL_A, Keys.BACKSPACE)
    page.click("accept")
    assert "Tier 3 is empty" in page.said
    assert page.driver.switch_to.active_element == page.tier(3)
    assert page.counts.startswith("0 of 5 decided")
    page.keys("goat outdoors", CTRL_ENTER, "k")
    assert page.text("badge") == "accepted with edits"
    page.keys("1", CTRL_A, Keys.BACKSPACE)  # a decided item that loses a tier is no longer decided
    assert page.text("badge") == "undecided"
    page.keys(Keys.ESCAPE, "u")
    assert page.text("badge") == "accepted with edits"
    page.driver.find_element(By.CSS_SELECTOR, "li:nth-child(3) button").click()  # restore
    assert page.text("badge") == "accepted"


def test_work_survives_a_reload_until_it_is_forgotten(review):
    page = review()
    page.keys("a", "2", " feather", Keys.ESCAPE)
    page.open()
    assert (page.position, page.tier(2).get_attribute("value")) == ("Item 2 of 5", "duck feather")
    assert page.counts == "1 of 5 decided · 1 accepted, 0 edited, 0 rejected · 2 to save"
    page.keys("?")
    page.click("forget")
    page.driver.switch_to.alert.accept()
    assert page.counts.startswith("0 of 5 decided")


def test_a_sheet_in_place_continues_in_any_browser(review):
    page = review()
    page.keys("a", "r", "s")
    (page.folder / SHEET_NAME).write_bytes(page.download().read_bytes())
    page.export()
    page.script("localStorage.clear()")
    page.open()
    assert page.counts == "2 of 5 decided · 1 accepted, 0 edited, 1 rejected · nothing to save"


def test_unsaved_work_wins_over_the_sheet_and_saved_work_yields(review):
    page = review()
    page.keys("a", "s")
    page.download()
    page.keys("r")
    rows = [row for _, row in read_sheet(page.folder / SHEET_NAME).values()]
    rows[:2] = [replace(rows[0], decision="reject"), replace(rows[1], decision="accept")]
    write_sheet(page.folder / SHEET_NAME, rows)
    page.export()
    page.open()
    page.keys("g", "1", Keys.ENTER)
    assert (
        page.text("badge") == "rejected"
    )  # saved as accepted, then decided otherwise in the sheet
    page.keys("j")
    assert page.text("badge") == "rejected"  # never saved: the sheet does not know of it


def test_a_changed_proposal_is_shown_and_judged_anew(review):
    page = review()
    page.keys("a", "s")
    (page.folder / SHEET_NAME).write_bytes(page.download().read_bytes())
    page.items = [replace(item, tiers=("beast", *item.tiers[1:])) for item in ITEMS]
    page.script("localStorage.clear()")
    page.export()
    page.open()
    Select(page.driver.find_element(By.ID, "filter")).select_by_value("changed")
    assert (page.position, page.text("badge")) == ("Item 1 of 5", "accepted with edits")
    assert "Proposed: beast" in page.text("ladder")
    assert page.driver.find_element(By.ID, "stale").is_displayed()
    page.keys(Keys.ESCAPE, "a")
    assert page.text("empty-title") == "No such items"


def test_hostile_captions_are_inert_and_lossless(review):
    page = review(HOSTILE)
    exported = (page.folder / SHEET_NAME).read_bytes()
    for item in HOSTILE:
        for number, tier in enumerate(item.tiers, start=1):
            shown = tier.replace("\r\n", "\n").replace("\r", "\n")
            assert page.tier(number).get_property("value") == shown
        page.keys("j")
    assert page.driver.title == "Caption hierarchy review"
    assert page.script("return document.querySelectorAll('script, img, svg, b').length") == 3
    page.keys("s")
    assert page.download().read_bytes() == exported
    page.download().unlink()
    page.keys("g", "1", Keys.ENTER, *"aaaaaa", "s")
    assert read_review(page.download(), HOSTILE) == HOSTILE


def test_letters_can_be_switched_off(review):
    page = review()
    page.keys("?", Keys.ESCAPE, "?")
    page.click("letters")
    page.keys(Keys.ESCAPE, "a")
    page.open()
    page.keys("r", CTRL_ENTER)
    assert page.counts.startswith("1 of 5 decided · 1 accepted")


def test_lost_storage_is_said(review):
    page = review()
    page.script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    page.keys("a")
    assert "save the CSV before you close" in page.text("warning")
    page.keys("s")
    assert page.counts.endswith("nothing to save")
    assert len(read_review(page.download(), ITEMS)) == 1


def test_the_page_loads_nothing(review):
    page = review()
    names = page.script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert all(name.startswith("data:image/") for name in names)
    with pytest.raises(Exception, match=r"Failed to fetch|Refused|Content Security"):
        page.script("return fetch(location.href)")
    page.driver.get_log("browser")  # the refusal above is meant


CONTRAST = contrast("script, option, kbd, :disabled, :disabled *", see_through=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(review, scheme):
    page = review()
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    page.keys("a", "2", "\u200b", CTRL_ENTER, "r")
    for key in ("k", "k", "k", "?"):
        page.keys(key)
        assert page.script(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_in_one_direction_only(review, width):
    page = review(ITEMS[:1] + HOSTILE)
    metrics = {"width": width, "height": 720, "deviceScaleFactor": 1, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for _ in range(len(HOSTILE) + 1):
        page.keys("1", "z", Keys.ESCAPE)
        assert page.script("return document.documentElement.scrollWidth") <= width
        page.keys("j")
    small = page.script(
        "return [...document.querySelectorAll('.actions button, .tools button, select')]"
        ".filter((node) => node.offsetHeight < 40 || node.scrollWidth > node.clientWidth)"
        ".map((node) => node.id)"
    )
    assert small == []


def test_every_control_has_a_name(review):
    page = review()
    page.keys("2", "x", Keys.ESCAPE, "?")
    page.keys(Keys.ESCAPE)
    tree = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = (
        "button",
        "textbox",
        "combobox",
        "spinbutton",
        "checkbox",
        "article",
        "image",
        "navigation",
    )
    named = {role: [] for role in roles}
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in named and not node["ignored"]:
            named[role].append(node.get("name", {}).get("value", ""))
    assert all(name for names in named.values() for name in names)
    assert "Tier 1, most general" in named["textbox"]
    assert "Previous K" in named["button"]
    assert named["article"] == ["Item 1 of 5 undecided"]
