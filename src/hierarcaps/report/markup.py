"""HTML fragments of the notebooks; every text that comes from data is escaped here."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files


@dataclass(frozen=True, repr=False)
class Html:
    """A piece of HTML that Jupyter shows as such when it ends a cell or is displayed."""

    text: str

    def __repr__(self) -> str:
        # Jupyter stores the plain form beside the HTML: it should not double the notebook.
        return f"<HTML of {len(self.text):,} characters>"

    def _repr_html_(self) -> str:
        return self.text

    def __add__(self, other: "Html") -> "Html":
        return Html(f"{self.text}\n{other.text}")


@dataclass(frozen=True)
class Panel:
    """One image of a figure: its bytes, their type and what a reader who can't see it needs."""

    content: bytes
    alt: str
    mime: str = "image/svg+xml"

    @property
    def tag(self) -> str:
        """The ``<img>`` element, with the content as a data URI."""
        # An image rather than inline SVG: ids cannot clash between figures, the alternative text
        # is honoured everywhere, and Jupyter shows it in a notebook that is not trusted yet.
        data = base64.b64encode(self.content).decode("ascii")
        return f'<img src="data:{self.mime};base64,{data}" alt="{escape(self.alt)}">'


def stylesheet() -> Html:
    """Return the style of figures, tables and cards: Jupyter then shows them as the page does."""
    return Html(f"<style>\n{figure_css()}</style>")


def figure_css() -> str:
    """Return the style rules of figures, tables and cards."""
    return files("hierarcaps.report").joinpath("figures.css").read_text(encoding="utf-8")


def prose(text: str) -> str:
    """Return plain text escaped for HTML, with ``τ_d`` set as a subscript."""
    return escape(text).replace("τ_d", "τ<sub>d</sub>")


def lead(sentences: Sequence[str]) -> Html:
    """Return the opening of a notebook: plain-text ``sentences`` as one emphasised list."""
    rows = "\n".join(f"<li>{prose(sentence)}</li>" for sentence in sentences)
    return Html(f'<ul class="hc-lead">\n{rows}\n</ul>')


def note(text: str) -> Html:
    """Return a paragraph of plain text."""
    return Html(f'<p class="hc-note">{prose(text)}</p>')


def table(
    title: str, remark: str, headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = ""
) -> Html:
    """Return a table that scrolls by itself; its first column names the rows.

    Args:
        title: plain text.
        remark: plain text below the title; may be empty.
        headings: plain text, one per column.
        rows: HTML of the cells, escaped by the caller.
        kind: further class: ``hc-facts`` for texts instead of numbers.
    """
    head = "".join(f'<th scope="col">{prose(heading)}</th>' for heading in headings)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    small = f" <small>{prose(remark)}</small>" if remark else ""
    name = f"hc-table {kind}".strip()
    return scrolling(
        f'<table class="{name}">\n<caption><span>{prose(title)}</span>{small}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>",
        title,
    )


def scrolling(table: str, label: str) -> Html:
    """Let a wide table scroll by itself on a phone, by touch or keyboard."""
    return Html(
        f'<div class="hc-scroll" role="region" aria-label="{escape(label)}" tabindex="0">\n'
        f"{table}\n</div>"
    )


def number_cell(estimate: object) -> str:
    """Return the content of a cell: a value over its interval, a dash where there is none."""
    if estimate is None:
        return '<span aria-label="not applicable">–</span>'
    return two_lines(*str(estimate).split(" ", 1))


def two_lines(first: str, second: str) -> str:
    """Return the content of a cell: HTML over a smaller line of HTML."""
    return f'{first} <span class="hc-interval">{second}</span>'


def folded(summary: str, text: str) -> Html:
    """Return preformatted plain text behind a summary that opens it."""
    return Html(
        f"<details><summary>{prose(summary)}</summary>\n<pre>{escape(text)}</pre>\n</details>"
    )


def figure(panels: Sequence[Panel], caption: str) -> Html:
    """Return panels side by side, as far as the width allows, over one plain-text caption."""
    images = "\n".join(panel.tag for panel in panels)
    return Html(
        f'<figure class="hc-figure">\n<div class="hc-panels">\n{images}\n</div>\n'
        f"<figcaption>{prose(caption)}</figcaption>\n</figure>"
    )
