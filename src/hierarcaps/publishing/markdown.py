"""Parts of a card in Markdown; what a study names may hold any character."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

CARD_FILE = "README.md"
UNKNOWN = "unknown"


def code(text: Any) -> str:
    """Return a text as inline code, on one line."""
    return "`" + " ".join(str(text).replace("`", "'").split()) + "`"


def listed(facts: Mapping[str, str]) -> str:
    """Return facts as a list; one without a value is said to be unknown."""
    return "\n".join(f"- {name}: {value or UNKNOWN}" for name, value in facts.items())


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """Return a template with each ``[[name]]`` replaced by the part of that name.

    Raises:
        KeyError: no part has the name.
    """
    return re.sub(r"\[\[(\w+)\]\]", lambda found: parts[found[1]], template)


def settings(values: Mapping[str, Any]) -> str:
    """Return parameters as a list, in their order."""
    return "\n".join(f"- {code(name)}: {code(value)}" for name, value in values.items())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
