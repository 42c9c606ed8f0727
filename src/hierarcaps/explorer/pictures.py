"""Pictures small enough to browse by the thousand."""

import base64
import io

from PIL import Image

LONGEST_SIDE = 320  # px
# Drawings of up to this side stay lossless: lossy coding smears their few flat colours.
_LOSSLESS_SIDE = 128  # px


def data_uri(image: Image.Image) -> str:
    """Return an image as a WebP data URI, its longest side at most ``LONGEST_SIDE``."""
    picture = image.copy()
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    lossless = max(picture.size) <= _LOSSLESS_SIDE
    buffer = io.BytesIO()
    # For a lossless picture "quality" is effort: more of it saves no bytes worth the time.
    picture.save(buffer, "WEBP", quality=20 if lossless else 78, method=4, lossless=lossless)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
