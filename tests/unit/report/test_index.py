"""The first page of the results."""

import nbformat
import pytest
from bs4 import BeautifulSoup

from hierarcaps.report.index.durations import clock, read_durations
from hierarcaps.report.index.page import write_index
from hierarcaps.runtime.errors import InputError


def test_durations_are_added_up_per_rule(tmp_path):
    (tmp_path / "align").mkdir()
    for name, seconds, memory in (("a", "3601.4", "10.5"), ("b", "60", "-")):
        text = f"s\th:m:s\tmax_rss\n{seconds}\t1:00:01\t{memory}\n"
        (tmp_path / "align" / f"{name}.tsv").write_text(text)
    (tmp_path / "summarise.tsv").write_text("s\tmax_rss\n2.5\tNA\n")
    first, second = read_durations(tmp_path)
    assert first == ("align", 2, 3661.4, 10.5)
    assert second == ("summarise", 1, 2.5, 0.0)
    assert clock(first.seconds) == "1:01:01"
    assert read_durations(tmp_path / "absent") == []


def test_the_index_links_what_is_there_and_escapes(study, tmp_path):
    root = study.results.root
    (root / "reports").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A <title>")])
    nbformat.write(notebook, root / "reports" / "one.ipynb")
    (root / "reports" / "one.html").touch()
    for name in ("a.html", "b.html"):
        write_index(root / name, study.results, ["one"], {"summary.csv": "numbers <all>"})
    assert (root / "a.html").read_bytes() == (root / "b.html").read_bytes()
    page = BeautifulSoup((root / "a.html").read_text(), "html.parser")
    assert [link["href"] for link in page.select("main a")] == [
        "explorer/index.html", "reports/one.html", "summary.csv",
    ]  # fmt: skip
    assert "A <title>" in page.get_text()
    labels = [" ".join(cell.get_text().split()) for cell in page.select("table tbody th")]
    assert "rn-24 + RE" in labels
    assert "length in words no model" in labels
    runs = [cell.get_text() for cell in page.select("table tbody tr td:nth-child(2)")]
    assert {"1 seed", "2 orders", "–"} <= set(runs)
    with pytest.raises(InputError, match=r"missing\.csv, which is missing"):
        write_index(root / "c.html", study.results, [], {"missing.csv": ""})
    assert not (root / "c.html").exists()
