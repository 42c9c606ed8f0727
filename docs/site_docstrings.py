"""Examples of docstrings, on the site: an extension of griffe, named in mkdocs.yml."""

import re
from typing import Any

import griffe


class PlainDocstrings(griffe.Extension):
    """Fences ``>>>`` examples (else quotations) and drops roles (``:func:``)."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class or function that was just read."""
        if obj.docstring:
            text = re.sub(r":(?:func|class|mod):`", "`", obj.docstring.value)
            example = re.compile(r"^(>>> .*?)(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
            obj.docstring.value = example.sub(r"```pycon\n\1\n```", text)
