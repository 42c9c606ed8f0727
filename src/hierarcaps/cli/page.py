"""The page of ``hierarcaps describe``: one file, which needs no network and runs no script."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from hierarcaps.explorer import data_uri
from hierarcaps.runtime.static_page import content_policy

if TYPE_CHECKING:
    from hierarcaps.data.images import ImageStore
    from hierarcaps.evaluation.describe import Description

STYLE = """
:root { color-scheme: light dark; --line: #8886; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
article { display: flex; flex-wrap: wrap; gap: 1.5rem; padding: 1.5rem 0; border-top: 1px solid var(--line); }
img { width: 16rem; max-width: 100%; height: auto; align-self: start; border-radius: 6px; }
div { flex: 1 1 20rem; }
h2 { margin: 0 0 .5rem; font-size: 1rem; }
h2, li { overflow-wrap: anywhere; }
ol { list-style: none; margin: 0; padding: 0; }
ol ol { padding-left: .9rem; border-left: 1px solid var(--line); margin-left: .2rem; }
small { opacity: .7; }
"""  # noqa: E501


def render_page(
    model: str, captions: str, found: Sequence["Description"], images: "ImageStore"
) -> str:
    """Return the page of what images retrieved; captions and names are escaped.

    Args:
        model: as the user named it.
        captions: where they are from.
        found: what is shown.
        images: holds the images of ``found``.
    """
    articles = "\n".join(_article(each, data_uri(images[each.image])) for each in found)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        f'content="{escape(content_policy("", STYLE, loads_scripts=False))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Hierarchies: {escape(model)}</title>\n<style>{STYLE}</style>\n"
        f"<h1>What {escape(model)} retrieves</h1>\n"
        f"<p>Captions of {escape(captions)}, general to specific: of those within each radius "
        f"the nearest to the image.</p>\n{articles}\n</html>\n"
    )


def _article(found: "Description", source: str) -> str:
    tree = ""
    for each in reversed(found.retrieved):
        tree = f"<ol><li>{escape(each.text)} <small>{each.radius:.3f}</small>{tree}</li></ol>"
    name = escape(found.image)
    return f'<article><img src="{source}" alt="{name}"><div><h2>{name}</h2>{tree}</div></article>'
