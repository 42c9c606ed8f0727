"""Render the review page: one HTML file that needs no network and no other file.

Captions are untrusted. They reach the page only as JSON whose every character is inert in HTML, and
the script shows them only as text. A content security policy lets nothing run but that script and
nothing load but the embedded images.
"""

import base64
import hashlib
import io
import json
from collections.abc import Sequence

from PIL import Image

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import ImageStore
from hierarcaps.review.sheet import COLUMNS, ReviewRow, fingerprint
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.static_page import fill_page

THUMBNAIL_SIDE = 256
# Drawings of up to this side stay lossless: lossy coding smears their few flat colours.
_LOSSLESS_SIDE = 128
_SCRIPTS = ("sheet.js", "page.js", "keys.js")


def render_page(
    items: Sequence[CaptionHierarchy],
    rows: Sequence[ReviewRow],
    images: ImageStore | None,
    sheet_name: str,
) -> str:
    """Return the page for ``items`` and the row that the reviewer has so far for each of them.

    Raises:
        InputError: missing or broken image.
    """
    sources = [
        _data_uri(images[item.image]) if images is not None and item.image is not None else ""
        for item in progress(items, "review page")
    ]
    data = {
        # The browser keeps unsaved work under this name: other items or images, other work.
        "set": _set_name(items, sources),
        "sheet": sheet_name,
        "columns": COLUMNS,
        "items": [
            {
                "id": item.item_id,
                "tiers": item.tiers,
                "proposal": fingerprint(item.tiers),
                "image": item.image or "",
                "src": source,
                "row": {
                    "decision": row.decision,
                    "tiers": row.tiers,
                    "comment": row.comment,
                    "proposal": row.proposal,
                },
            }
            for item, row, source in zip(items, rows, sources, strict=True)
        ],
    }
    return fill_page(
        "hierarcaps.review", "page.html", "page.css", _SCRIPTS, data, loads_scripts=False
    )


def _data_uri(image: Image.Image) -> str:
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=4, lossless=max(image.size) <= _LOSSLESS_SIDE)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _set_name(items: Sequence[CaptionHierarchy], sources: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for item, source in zip(items, sources, strict=True):
        digest.update(json.dumps([item.item_id, source]).encode())
    return digest.hexdigest()[:16]
