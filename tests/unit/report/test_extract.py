"""Figures and tables of a rendered notebook as files."""

import nbformat

from hierarcaps.report.extract import write_pieces
from hierarcaps.report.markup import Panel, figure, table


def test_pieces_are_files_and_equal_notebooks_equal_bytes(tmp_path):
    svg = Panel(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "nothing")
    html = figure([svg, svg], "n = 1").text + table("A title & more.", "", ["a"], [["1"]]).text
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("## A <section>"),
            nbformat.v4.new_code_cell(
                "", outputs=[nbformat.v4.new_output("display_data", {"text/html": html})]
            ),
        ]
    )
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "stale.html").touch()
    names = write_pieces(notebook, tmp_path / "a")
    assert names == [
        "figure-01-a-section-1.svg",
        "figure-01-a-section-2.svg",
        "figure-01-a-section.html",
        "table-02-a-title-more.html",
    ]
    assert (tmp_path / "a" / names[0]).read_bytes() == svg.content
    write_pieces(notebook, tmp_path / "b")
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "<h1>A &lt;section&gt;</h1>" in (tmp_path / "a" / names[2]).read_text()
