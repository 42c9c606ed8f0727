"""Static pages of one file: untrusted text is data that nothing can run, and nothing else loads."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any


def fill_page(
    package: str,
    template: str,
    style: str,
    scripts: Sequence[str],
    data: Any,
    *,
    loads_scripts: bool,
) -> str:
    """Return a page of ``package`` with its style, its scripts and data in it.

    Args:
        package: holds the files that the next three name.
        template: HTML with the places POLICY, STYLE, SCRIPT and DATA.
        style: CSS.
        scripts: in their order.
        data: JSON that the scripts read; may hold any text.
        loads_scripts: whether the page's script may load script files of its own.
    """
    script = "".join(_asset(package, name) for name in scripts)
    css = _asset(package, style)
    parts = {
        "POLICY": html.escape(content_policy(script, css, loads_scripts=loads_scripts)),
        "STYLE": css,
        "SCRIPT": script,
        "DATA": inert_json(data),
    }
    # One pass over the template: a caption that looks like a placeholder stays a caption.
    return re.sub(r"%%([A-Z]+)%%", lambda match: parts[match[1]], _asset(package, template))


def inert_json(content: Any) -> str:
    """Return ASCII JSON without ``<``, ``>`` and ``&``: nothing in it can end or open a tag.

    It is valid in a script as well: line separators are escaped like all that is not ASCII.
    """
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def content_policy(script: str, style: str, *, loads_scripts: bool) -> str:
    """Return the Content-Security-Policy of a page with one inline script and one inline style.

    Only that script runs, and with ``loads_scripts`` the script files that it asks for itself
    (``strict-dynamic``, which, unlike ``'self'``, also works for pages opened from disk). Images
    must be embedded.
    """
    further = " 'strict-dynamic'" if loads_scripts else ""
    return (
        f"default-src 'none'; img-src data:; style-src {_hash_source(style)}; "
        f"script-src {_hash_source(script)}{further}; base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"'sha256-{digest.decode('ascii')}'"


def _asset(package: str, name: str) -> str:
    text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")
