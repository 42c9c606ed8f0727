"""The explorer in a real browser: by mouse, by keys, narrow, dark and under attack."""

import functools
import http.server
import threading
import time

import numpy as np
import pandas as pd
import pytest
from page_checks import CONTRAST
from PIL import Image

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import Run
from hierarcaps.explorer import export_explorer

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

BEFORE, AFTER, AGAIN = Run("rn", "zeroshot", 0), Run("rn", "re", 0), Run("rn", "re", 1)
OTHER = Run("vit", "zeroshot", 0)
RUNS = [BEFORE, AFTER, AGAIN, OTHER]
NAMES = ("goat", "duck", "horse", "cat", "dog")
HOSTILE = [
    CaptionHierarchy(
        "<b>id</b>",
        (
            "</script><script>document.title='x'</script>",
            "<img src=x onerror=document.title=1>",
            "'\"><svg onload=alert(1)>",
            "&lt;b&gt; %%DATA%% ${document.title='x'}",
        ),
        "\"><img src=x onerror='document.title=1'>.png",
    ),
    CaptionHierarchy(
        "__proto__",
        ("عنز على جزيرة", "\u202eevil\u202c", "👩‍👩‍👧‍👦🐐", "a\x00b\u2028c\x07"),
        "a.png",
    ),
    CaptionHierarchy("long", ("x", "word " * 2000, "y" * 10_000, "constructor"), "a.png"),
]


class Pictures(dict):
    """An image store in memory; every name has the same picture."""

    def __missing__(self, name):
        return Image.new("RGB", (64, 48), "teal")


def make_items(count):
    return [
        CaptionHierarchy(
            f"item-{i}",
            ("animal", NAMES[i % 5], f"{NAMES[i % 5]} on grass", f"a small {NAMES[i % 5]}, {i}"),
            f"{i}.png",
        )
        for i in range(count)
    ]


def write_runs(items, results):
    """Zero-shot: a wrong text, then tier 4. RE: tiers 1, 2, 4; for item 0 only the wrong text."""
    for run in RUNS:
        good = run.objective == "re"
        rows = []
        for i, item in enumerate(items):
            wrong = items[i - 1].tiers[3]
            found = (
                [item.tiers[0], item.tiers[1], item.tiers[3]] if good else [wrong, item.tiers[3]]
            )
            if good and i == 0:
                found = [wrong]
            radii = np.array([0.4, 0.6, 1.0][: len(found)]) + 0.1 * run.seed
            hit = len(set(found) & set(item.tiers))
            rows.append(
                (item.item_id, item.image, hit / len(found), hit / 4, found, radii, [*item.tiers])
            )
        columns = [
            "item_id",
            "image",
            "precision",
            "recall",
            "retrieved",
            "retrieved_radii",
            "gold",
        ]
        run.folder(results).mkdir(parents=True, exist_ok=True)
        path = run.folder(results) / "hierarchical_retrieval.parquet"
        pd.DataFrame(rows, columns=columns).to_parquet(path)


class Explorer:
    """A page under test, with the reader's hands."""

    def __init__(self, driver, results, items, runs):
        self.driver, self.items, self.folder = driver, items, results / "explorer"
        write_runs(items, results)
        export_explorer(items, Pictures(), runs, results, self.folder)

    def open(self, fragment="", base=None):
        self.driver.get("about:blank")  # an address that differs after "#" only is not loaded anew
        self.driver.get((base or (self.folder / "index.html").as_uri()) + fragment)
        self.wait("return document.querySelector('#count').textContent || !$('problem').hidden")
        self.settle()
        return self

    def settle(self):
        """Wait until no more data arrives: each file that comes may ask for the next."""
        state = "return [document.scripts.length, document.body.innerHTML.length].join()"
        before = None
        while (now := self.script(state)) != before:
            before = now
            time.sleep(0.15)

    def wait(self, code):
        WebDriverWait(self.driver, 10, poll_frequency=0.02).until(lambda _: self.script(code))

    def keys(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
            self.turn()

    def turn(self):
        """Wait until the page has heard of its new address, which it does in a later task."""
        code = "requestAnimationFrame(() => setTimeout(arguments[0]))"
        self.driver.execute_async_script(code)

    def click(self, css):
        # The grid is drawn anew while a filter is typed.
        waiting = WebDriverWait(self.driver, 10, 0.02, [StaleElementReferenceException])
        waiting.until(lambda _: self.find(css).click() or True)
        self.turn()

    def wait_for_focus_on(self, place):
        self.wait(f"return document.activeElement.dataset.place === '{place}'")

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css):
        return self.script(
            "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)",
            css,
        )

    def text(self, css):
        return self.find(css).text

    def choose(self, menu, label):
        Select(self.find(f"#{menu}")).select_by_visible_text(label)

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    @property
    def tiles(self):
        return self.texts("#grid .words")

    @property
    def now(self):
        """The text that each panel marks as retrieved at the threshold."""
        return self.texts(".ladder .now .words")

    @property
    def focused(self):
        return self.driver.switch_to.active_element


@pytest.fixture
def explore(chromium, tmp_path):
    """Opens an explorer of the given items; afterwards the browser must have had no complaint."""

    def start(items=None, fragment="", runs=RUNS):
        page = Explorer(chromium, tmp_path, make_items(7) if items is None else items, runs)
        return page.open(fragment)

    chromium.get_log("browser")
    yield start
    complaints = chromium.get_log("browser")
    chromium.execute_script("localStorage.clear()")
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert complaints == []


def test_a_tour_by_mouse(explore):
    page = explore()
    assert page.text("#count") == "7 images"
    assert page.tiles[1] == "a small duck, 1"
    page.click("#grid li:nth-child(2) a")
    assert page.text("#position") == "Image 2 of 7"
    assert page.texts(".panel:first-child .ladder .words") == ["a small goat, 0", "a small duck, 1"]
    assert page.texts(".panel:last-child .tier") == ["gold tier 1", "gold tier 2", "gold tier 4"]
    assert page.texts(".panel:last-child .soft") == ["precision 1.00 recall 0.75"]
    assert page.texts("#gold li:nth-child(3) .sr") == [
        ", not found by run A",
        ", not found by run B",
    ]
    assert page.texts("#gold li:nth-child(1) .sr") == [", not found by run A", ", found by run B"]
    page.wait("return $('image').naturalWidth === 64")
    page.click("#next")
    assert page.text("#position") == "Image 3 of 7"
    page.click("#back")
    assert page.find("#browse").is_displayed()
    page.wait_for_focus_on(2)


def test_the_threshold_walks_from_generic_to_specific(explore):
    page = explore(fragment="#image=item-1")
    slider = page.find("#threshold")
    assert page.now == ["a small duck, 1", "a small duck, 1"]
    page.click("#generic")  # A: radii .4 and .6 of .4 to .6; B: .4, .6 and 1 of .4 to 1
    assert page.now == ["a small goat, 0", "duck"]
    assert page.text("#radii") == "A: radius ≤ 0.467 · B: radius ≤ 0.600"
    assert "B: radius up to 0.600, duck" in slider.get_attribute("aria-valuetext")
    assert page.texts(".beyond .words") == ["a small duck, 1", "a small duck, 1"]
    page.click("#generic")
    assert page.now == ["a small goat, 0", "animal"]
    assert not page.find("#generic").is_enabled()
    slider.send_keys(Keys.END)
    assert page.now == ["a small duck, 1"] * 2
    slider.send_keys(Keys.ARROW_LEFT)
    assert page.now == ["a small goat, 0", "duck"]
    page.click("#specific")
    assert page.texts("[aria-current] .words") == page.now == ["a small duck, 1"] * 2


def test_search_and_order_by_gain_and_loss(explore):
    page = explore()
    page.find("#search").send_keys("SMALL  goat")
    assert page.tiles == ["a small goat, 0", "a small goat, 5"]
    assert page.text("#count") == "2 of 7 images"
    page.choose("sort", "B gains most over A")
    assert page.tiles == ["a small goat, 5", "a small goat, 0"]
    page.choose("sort", "B loses most against A")
    page.click("#grid li:nth-child(2) a")
    assert page.text("#position") == "Image 2 of 2"
    page.driver.back()
    page.find("#search").send_keys("zebra")
    assert page.text("#count") == "0 of 7 images"
    page.click("#clear")
    assert len(page.tiles) == 7
    page.keys("6.png")  # the search has the focus; file names count
    assert page.tiles == ["a small duck, 6"]


def test_runs_are_chosen_swapped_and_left_out(explore):
    page = explore(fragment="#image=item-1")
    assert page.texts(".panel h3 bdi") == ["rn", "rn"]
    page.choose("b-seed", "seed 1")
    page.wait("return document.querySelectorAll('.ladder').length === 2")
    assert page.texts(".panel:last-child .radius") == [
        " radius 0.500",
        " radius 0.700",
        " radius 1.100",
    ]
    page.choose("a-model", "vit")
    page.wait("return document.querySelectorAll('.ladder').length === 2")
    assert not page.find("#a-objective").is_displayed()
    page.click("#swap")
    assert page.texts(".panel h3 bdi") == ["rn", "vit"]
    page.choose("b-model", "none")
    assert page.texts(".panel h3 bdi") == ["rn"]
    assert not page.find("#swap").is_enabled()
    page.click("#back")
    assert [option.text for option in Select(page.find("#sort")).options] == [
        "as in the test set",
        "A finds most gold tiers",
        "A finds fewest gold tiers",
    ]


def test_a_single_run_stands_alone(explore):
    page = explore(fragment="#image=item-1", runs=[BEFORE])
    assert page.now == ["a small duck, 1"]
    assert not page.find("#a-objective").is_displayed()
    page.choose("b-model", "rn")
    assert page.now == ["a small duck, 1"] * 2


def test_a_tour_by_keys_alone(explore):
    page = explore()
    page.keys("/", "small", Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ENTER)
    assert page.text("#position") == "Image 2 of 7"
    assert page.focused.get_attribute("id") == "position"
    page.keys("j", Keys.ARROW_RIGHT, "k")
    assert page.text("#position") == "Image 3 of 7"
    page.keys("g")
    assert page.now == ["a small duck, 1", "horse"]
    page.keys("s", "x")
    assert page.texts(".panel:first-child .tier") == ["gold tier 1", "gold tier 2", "gold tier 4"]
    page.keys("?")
    assert page.find("#help").is_displayed()
    page.keys("j", Keys.ESCAPE)
    assert not page.find("#help").is_displayed()
    page.keys(Keys.ESCAPE)
    page.wait_for_focus_on(2)
    page.keys(Keys.END)
    page.wait_for_focus_on(6)
    page.keys(Keys.HOME, Keys.ARROW_DOWN)
    columns = page.script(
        "return getComputedStyle($('grid')).gridTemplateColumns.split(' ').length"
    )
    assert page.focused.get_attribute("data-place") == str(columns if columns < 7 else 0)
    assert page.script("return document.querySelectorAll('.tile[tabindex=\"0\"]').length") == 1


def test_letters_can_be_switched_off(explore):
    page = explore(fragment="#image=item-1")
    page.keys("?")
    page.click("#letters")
    page.keys(Keys.ESCAPE, "j")
    assert page.text("#position") == "Image 2 of 7"
    page.open("#image=item-1").keys("j", Keys.ARROW_RIGHT)
    assert page.text("#position") == "Image 3 of 7"


def test_the_address_holds_the_view(explore):
    page = explore()
    page.choose("b-model", "vit")
    page.find("#search").send_keys("goat")
    page.click("#grid li:nth-child(2) a")
    page.keys("g")
    page.wait("return location.hash.includes('t=')")
    fragment = page.script("return location.hash")
    now = page.now
    page.open(fragment)
    assert (page.text("#position"), page.now) == ("Image 2 of 2", now)
    assert page.texts(".panel h3 bdi") == ["rn", "vit"]
    page.open("#image=nothing&a=no/such/7&sort=constructor&t=x&q=%F0")
    assert page.text("#count") == "0 of 7 images"


def test_hostile_captions_and_names_are_inert(explore):
    page = explore(HOSTILE)
    scripts = page.script("return document.scripts.length")
    for i, item in enumerate(HOSTILE):
        page.click(f"#grid li:nth-child({i + 1}) a")
        assert page.texts("#gold .words") == list(item.tiers)
        page.wait("return $('image').naturalWidth === 64")
        assert page.driver.title == f"{item.item_id} · Hierarchy explorer".strip()
        page.open(page.script("return location.hash"))
        assert page.texts("#gold .words") == list(item.tiers)
        page.click("#back")
    assert page.script("return document.querySelectorAll('svg, b[onload], body > img').length") == 0
    assert page.script("return document.scripts.length") == scripts
    page.find("#search").send_keys("onerror")
    assert page.text("#count") == "1 of 3 images"


def test_only_what_is_looked_at_is_loaded(explore):
    page = explore(make_items(1000))
    loaded = "return [...document.scripts].map((s) => s.src.split('/').pop().split('?')[0])"
    first = set(page.script(loaded)) - {""}
    assert {"captions.js", "run-000.js", "run-001.js"} <= first
    assert len(first) < 10
    assert len(page.tiles) < 400
    page.choose("a-model", "vit")
    page.wait("return document.scripts.length > 2 && $('grid').querySelector('.pips.a')")
    assert "run-003.js" in page.script(loaded)
    page.find("#grid a").send_keys(Keys.END)
    page.wait_for_focus_on(999)
    page.wait("return document.activeElement.querySelector('img').naturalWidth === 64")
    page.keys(Keys.ENTER)
    assert page.text("#position") == "Image 1,000 of 1,000"
    page.keys(Keys.ESCAPE)
    page.wait_for_focus_on(999)


def test_any_static_server_serves_it(explore):
    page = explore()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=page.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open("#image=item-1", base=f"http://127.0.0.1:{server.server_port}/")
        page.wait("return $('image').naturalWidth === 64")
        assert len(page.now) == 2
        page.open()
        server.shutdown()


def test_a_missing_data_file_is_said(explore):
    page = explore()
    (page.folder / "run-001.js").unlink()
    page.open()
    assert "run-001.js could not be loaded" in page.text("#problem")
    assert len(page.tiles) == 7
    page.driver.get_log("browser")  # the browser's own complaint is right


def test_the_page_reaches_for_nothing_else(explore):
    page = explore(fragment="#image=item-1")
    entries = page.script("return performance.getEntriesByType('resource').map((e) => e.name)")
    here = page.folder.as_uri()
    assert all(name.startswith((here, "data:image/")) for name in entries)
    with pytest.raises(Exception, match=r"Failed to fetch|Refused|Content Security"):
        page.script("return fetch(location.href)")
    page.driver.get_log("browser")  # the refusal above is meant


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(explore, scheme):
    page = explore()
    page.cdp(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    background = page.script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.script(CONTRAST) == []
    page.open("#image=item-1&t=30")
    assert page.texts(".beyond")
    assert page.script(CONTRAST) == []
    page.keys("?")
    assert page.script(CONTRAST) == []
    page.open("#q=zebra")
    assert page.script(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_in_one_direction_only(explore, width):
    page = explore(make_items(3) + HOSTILE)
    page.cdp(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=720,
        deviceScaleFactor=1,
        mobile=True,
    )
    for item in [None, *page.items]:
        page.open()
        if item:
            page.click(f"#grid li:nth-child({page.items.index(item) + 1}) a")
        assert page.script("return document.documentElement.scrollWidth") <= width
        small = page.script(
            "return [...document.querySelectorAll('button, select, .button, input[type=search]')]"
            ".filter((node) => node.checkVisibility() && node.offsetHeight < 40)"
            ".map((node) => node.id)"
        )
        assert small == []


def test_every_control_has_a_name(explore):
    page = explore()
    roles = {"button", "combobox", "searchbox", "link", "slider", "article", "image", "navigation"}
    named = {role: [] for role in roles}
    for fragment in ("", "#image=item-1"):
        page.open(fragment)
        for node in page.cdp("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in named and not node["ignored"]:
                named[role].append(node.get("name", {}).get("value", ""))
    assert all(name for names in named.values() for name in names)
    assert all(named.values()), [role for role in roles if not named[role]]
    tile = "a small duck, 1 . Run A finds 1 of 4 gold tiers. Run B finds 3 of 4 gold tiers."
    assert tile in [" ".join(name.split()) for name in named["link"]]
    assert {"Model of run A", "Objective of run B", "Seed of run B"} <= set(named["combobox"])
    assert named["image"] == ["a small duck, 1"]
