"""The figures and tables of a rendered notebook as files of their own."""

import base64
import re
import shutil
import tempfile
from collections.abc import Iterator
from html import escape, unescape
from pathlib import Path
from typing import Any, NamedTuple

from hierarcaps.report.markup import figure_css

FIGURE = re.compile(r'<figure class="hc-figure">.*?</figure>', re.DOTALL)
TABLE = re.compile(r'<div class="hc-scroll".*?</table>\n</div>', re.DOTALL)
SVG = re.compile(r'<img src="data:image/svg\+xml;base64,([^"]+)"')
HEADING = re.compile(r"^##+\s+(.+)$", re.MULTILINE)
TITLE = re.compile(r"<caption><span>(.*?)</span>", re.DOTALL)


class Piece(NamedTuple):
    """A figure or a table of a notebook: what it is, where it stood, and its HTML."""

    kind: str
    title: str
    html: str


def pieces(notebook: Any) -> Iterator[Piece]:
    """Yield the figures and tables among an executed notebook's outputs, in their order."""
    section = "overview"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if headings := HEADING.findall(cell.source):
                section = headings[-1].strip()
            continue
        for output in cell.get("outputs", ()):
            text = output.get("data", {}).get("text/html", "")
            found = [
                (match.start(), kind, match[0])
                for kind, pattern in (("figure", FIGURE), ("table", TABLE))
                for match in pattern.finditer(text)
            ]
            for _, kind, html in sorted(found):
                title = TITLE.search(html)
                name = re.sub(r"<[^>]+>", "", title[1]) if title else ""
                yield Piece(kind, unescape(name).rstrip(".") or section, html)


def write_pieces(notebook: Any, folder: str | Path) -> list[str]:
    """Write each figure and table to ``folder``, which is replaced as a whole.

    A piece becomes a self-contained page, ``{kind}-{number}-{title}.html``; the vector graphics of
    a figure are kept beside it as SVG files. Equal notebooks give equal bytes.

    Returns:
        The names of the files.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    css = figure_css()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".figures-") as name:
        # One level below: a temporary directory is readable for its owner alone.
        partial = Path(name, "pieces")
        partial.mkdir()
        for number, piece in enumerate(pieces(notebook), start=1):
            stem = f"{piece.kind}-{number:02d}-{slug(piece.title)}"
            Path(partial, f"{stem}.html").write_text(_page(piece, css), encoding="utf-8")
            for place, content in enumerate(SVG.findall(piece.html), start=1):
                Path(partial, f"{stem}-{place}.svg").write_bytes(base64.b64decode(content))
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    return sorted(path.name for path in folder.iterdir())


def slug(title: str) -> str:
    """Return a title as part of a file name: lower case, no more than 80 characters."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80].rstrip("-") or "untitled"


def _page(piece: Piece, css: str) -> str:
    title = escape(piece.title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>\n'
        "body { margin: 1.25rem; background: #fff; font: 16px/1.6 system-ui, -apple-system, "
        '"Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }\n'
        f"h1 {{ font-size: 1.2rem; }}\n{css}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"{piece.html}\n</main>\n</body>\n</html>\n"
    )
