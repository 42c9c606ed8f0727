"""The site builds strictly and offline, says what is there, and names tests that exist."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import site_docstrings
import site_hooks
import typer
import yaml
from smoke import ROOT

import hierarcaps
from hierarcaps.cli.app import app

LOADED = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=\"([^\"]*)\"")


def build(site: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, whose links and anchors MkDocs has checked."""
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_page_loads_nothing_from_elsewhere(site):
    loaded = {each for page in site.glob("*.html") for each in LOADED.findall(page.read_text())}
    assert any(each.endswith(".js") for each in loaded)
    assert [each for each in loaded if re.match(r"(\w+:)?//", each)] == []


def test_links_of_the_checkout_that_reads_without_the_site_lead_somewhere():
    for path in [ROOT / "README.md", *(ROOT / each for each in site_hooks.ELSEWHERE.values())]:
        for target in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_formulas_are_drawn_and_examples_are_code(site):
    method = (site / "method.html").read_text()
    assert method.count("<math") > 10
    assert "$" not in re.sub(r"<script.*?</script>", "", method, flags=re.DOTALL)
    assert "blockquote" not in (site / "python.html").read_text()


def test_every_command_and_every_option_is_on_its_page(site):
    page = (site / "commands.html").read_text()
    commands = typer.main.get_command(app).commands
    assert commands
    for name, command in commands.items():
        assert f'id="{name}"' in page
        for parameter in command.params:
            assert parameter.opts[0] in page or parameter.param_type_name == "argument"


def test_every_public_name_and_room_is_in_the_reference(site):
    names = (site / "python.html").read_text()
    assert [n for n in hierarcaps.__all__ if f'id="hierarcaps.{n}"' not in names] == []
    rooms = (site / "rooms.html").read_text()
    for door in (ROOT / "src" / "hierarcaps").glob("*/__init__.py"):
        assert f'id="hierarcaps.{door.parent.name}"' in rooms, door.parent.name


def test_a_broken_link_or_anchor_stops_the_build(tmp_path):
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A page\n\n[there](#nowhere)\n")
    kept = {key: config[key] for key in ("site_name", "validation", "markdown_extensions")}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(kept))
    done = build(tmp_path / "site", "--config-file", str(tmp_path / "mkdocs.yml"))
    assert done.returncode != 0
    assert "nowhere" in done.stderr


def test_a_footgun_names_tests_that_exist():
    text = (ROOT / "docs" / "footguns.md").read_text(encoding="utf-8")
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(sections) > 20
    for section in sections:
        guards = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", section)
        assert guards, section.splitlines()[0]
        for path, name in guards:
            assert name in functions(ROOT / path), f"{path} has no {name}"


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_paths_that_pages_name_exist():
    named = re.compile(r"`((?:src|tests|config|workflow|examples|docs|benchmarks)/[\w./-]+)`")
    for page in (ROOT / "docs").glob("*.md"):
        for path in named.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_a_docstring_is_made_markdown():
    class Object:
        class docstring:  # noqa: N801 - as griffe has it
            value = "Of :func:`a.b`.\n\n>>> 1\n1\n\nMore."

    site_docstrings.PlainDocstrings().on_object(obj=Object)
    assert Object.docstring.value == "Of `a.b`.\n\n```pycon\n>>> 1\n1\n```\n\nMore."
