import json
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hierarcaps.report.render import ReportError, render, to_html
from hierarcaps.runtime.errors import InputError


def _template(path, *sources, heading="# A <report> & more"):
    cells = [
        new_markdown_cell(heading),
        new_code_cell("word = 'default'", metadata={"tags": ["parameters"]}),
        *(new_code_cell(source) for source in sources),
        new_markdown_cell("## One thing\n\ntext\n\n## Another *thing*"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def _render(folder, template, name="a", **parameters):
    paths = folder / f"{name}.ipynb", folder / f"{name}.html"
    render(template, *paths, parameters, log=folder / "logs" / f"{name}.ipynb")
    return paths


def test_rendering_twice_gives_equal_bytes(tmp_path):
    source = "import sys, time\nprint(time.time(), file=sys.stderr)\nprint('said', word)\nword"
    template = _template(tmp_path / "t.ipynb", source)
    before = template.read_bytes()
    first = _render(tmp_path, template, "a", word="given")
    second = _render(tmp_path, template, "b", word="given")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert template.read_bytes() == before
    notebook = nbformat.read(first[0], as_version=4)
    nbformat.validate(notebook)
    assert "papermill" not in notebook.metadata
    assert "said given" in first[1].read_text()
    # What was said on standard error is not lost: it is in the executed copy.
    assert "stderr" in (tmp_path / "logs" / "a.ipynb").read_text()


def test_a_failing_cell_is_named_and_kept_but_not_published(tmp_path):
    template = _template(tmp_path / "t.ipynb", "1 / 0")
    with pytest.raises(ReportError, match=r"t\.ipynb failed in cell \d+: ZeroDivisionError") as e:
        _render(tmp_path, template)
    log = tmp_path / "logs" / "a.ipynb"
    assert str(log) in str(e.value)
    assert "ZeroDivisionError" in log.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["logs", "t.ipynb"]


def test_the_users_errors_stay_one_sentence(tmp_path):
    source = (
        "from hierarcaps.runtime.errors import InputError\n"
        "raise InputError('x.csv: row 3 is empty')"
    )
    template = _template(tmp_path / "t.ipynb", source)
    with pytest.raises(InputError, match=r"^x\.csv: row 3 is empty$"):
        _render(tmp_path, template)
    with pytest.raises(InputError, match="has no parameter wrod; it has word"):
        _render(tmp_path, template, wrod=1)
    with pytest.raises(InputError, match=r"none\.ipynb not found"):
        _render(tmp_path, tmp_path / "none.ipynb")


def test_page_is_titled_listed_folded_and_self_contained(tmp_path):
    template = _template(tmp_path / "t.ipynb", "secret = 1")
    html = to_html(nbformat.read(template, as_version=4))
    page = BeautifulSoup(html, "html.parser")
    assert page.title.get_text() == "A <report> & more"
    assert page.html["lang"] == "en"
    assert [a.get_text() for a in page.select("nav a")] == ["One thing", "Another thing"]
    for link in page.select("nav a"):
        assert page.find(id=link["href"][1:]).name == "h2"
    code = page.find("details", class_="code")
    assert not code.has_attr("open")
    assert not page.find("script")
    assert "http" not in html


def test_the_kernel_is_this_python_whatever_is_registered(tmp_path, monkeypatch):
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    template = _template(tmp_path / "t.ipynb", "import sys\nprint(sys.executable)")
    notebook, _ = _render(tmp_path, template)
    assert sys.executable in notebook.read_text()
