"""What commands print: tables and trees with rich on a terminal, plain when piped, or JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

import typer

# Piped, a line is as long as it is: what reads it wraps nothing.
PIPED_WIDTH = 100_000


def show_json(content: Any) -> None:
    """Print JSON; a number that is not defined is null."""
    typer.echo(json.dumps(_defined(content), indent=2, ensure_ascii=False, allow_nan=False))


def show_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], names: int, sentences: bool = False
) -> None:
    """Print a table whose first ``names`` columns are words, and the others numbers.

    ``sentences``: the last column may take several lines of a terminal.
    """
    from rich import box
    from rich.table import Table

    console = _console()
    lines = box.SIMPLE_HEAD if console.is_terminal else None
    table = Table(box=lines, pad_edge=False, padding=(0, 2, 0, 0))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < names else "right", no_wrap=True)
    table.columns[-1].no_wrap = not sentences
    for row in rows:
        table.add_row(*map(harmless, row))
    console.print(table)


def show_chain(title: str, texts: Sequence[tuple[str, str]]) -> None:
    """Print texts as a tree of one branch below a title, each behind its number."""
    from rich.text import Text
    from rich.tree import Tree

    branch = tree = Tree(Text(harmless(title), style="bold"))
    for number, text in texts:
        branch = branch.add(Text.assemble((number, "dim"), " ", harmless(text)))
    _console().print(tree)


def harmless(text: str) -> str:
    """Return a text in which nothing can steer a terminal: captions come from anywhere."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _console() -> Any:
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def _defined(content: Any) -> Any:
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {key: _defined(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_defined(value) for value in content]
    return content
