import io

import pytest
from html_parts import soup
from PIL import Image
from synthetic_results import MODELS, write_results

from hierarcaps.report import tables
from hierarcaps.report.study import Results

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_main_table_has_every_run_with_interval_and_scoped_headers(results):
    page = soup(tables.estimate_table(results, tables.MAIN_COLUMNS, "Main."))
    headers = [th.get_text() for th in page.select('tbody th[scope="row"]')]
    assert headers.count("rn-24, untrained") == 3
    assert {"rn-24", "vit-8", "length in words", "random embeddings"} <= set(headers)
    assert all(th.get("scope") for th in page.find_all("th"))
    row = page.find("th", string="rn-16").parent
    run = next(run for run in results.runs if run.model == "rn-16")
    assert str(results.estimate(run, "ordering", "tau_d")) in row.find_all("td")[1].get_text()
    # Length baselines retrieve nothing: dashes, not zeros.
    assert page.find("th", string="length in words").parent.find_all("td")[-1].get_text() == "–"


def test_a_table_of_nothing_says_so(results):
    column = tables.Column("Accuracy", "classification", "accuracy")
    assert "not measured in this run" in tables.estimate_table(results, [column], "X").text


def test_examples_are_chosen_by_rank(results):
    chosen, rule = tables.choose_examples(results)
    assert list(chosen.place) == ["best", "best", "median", "median", "worst", "worst"]
    best = results.highest("hierarchical_retrieval", "recall")[0]
    recalls = results.items(best, "hierarchical_retrieval").recall.sort_values(ascending=False)
    assert list(chosen.recall) == list(recalls.iloc[[0, 1, 9, 10, 18, 19]])
    assert results.name(best) in rule


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_few_examples_are_shown_once(tmp_path, size):
    write_results(tmp_path, n=size)
    chosen, _ = tables.choose_examples(Results(tmp_path, MODELS))
    assert chosen.item_id.is_unique
    assert len(chosen) == size


def test_hits_are_marked_by_more_than_colour(results):
    page = soup(tables.example_cards(results))
    gold = {li.get_text() for li in page.select("section:first-of-type li")}
    hits = page.select(".hc-hit")
    assert hits
    assert all("✓ tier" in hit.get_text() for hit in hits)
    assert all(hit.get_text().split(" ✓")[0] in gold for hit in hits)


def test_captions_are_inert(tmp_path):
    write_results(tmp_path, n=6, suffix=HOSTILE)
    page = soup(tables.example_cards(Results(tmp_path, MODELS)))
    assert not page.find("script")
    assert all(image["src"].startswith("data:image/png") for image in page.find_all("img"))
    assert any(HOSTILE in li.get_text() for li in page.find_all("li"))


def test_large_pictures_are_reduced_and_small_ones_kept():
    def png(side):
        buffer = io.BytesIO()
        Image.new("RGB", (side, side // 2), "red").save(buffer, "PNG")
        return buffer.getvalue()

    assert tables.thumbnail(png(64)) == png(64)
    with Image.open(io.BytesIO(tables.thumbnail(png(640)))) as image:
        assert image.size == (320, 160)


def test_world_without_contact_sheet(tmp_path):
    write_results(tmp_path, n=4, drawn=False)
    html = tables.world(Results(tmp_path, MODELS)).text
    assert "no contact sheet" in html
    assert "<img" not in html
