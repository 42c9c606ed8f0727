"""Where published files are fetched from: their own addresses, or an institution's copy of them."""

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from hierarcaps.runtime.errors import InputError

VARIABLE = "HIERARCAPS_MIRROR"


def mirror() -> str | None:
    """Return the address below which a mirror has the files; None where none is named.

    Raises:
        InputError: HIERARCAPS_MIRROR is no address of a server or of a folder.
    """
    base = os.environ.get(VARIABLE, "").rstrip("/")
    if not base:
        return None
    parts = urlsplit(base)
    served = parts.scheme in ("http", "https") and parts.netloc
    folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if not (served or folder) or parts.query or parts.fragment:
        raise InputError(
            f"{VARIABLE}: found {base!r}, expected an address of http, https or file below which "
            "https://HOST/PATH is found as HOST/PATH"
        )
    return base


def mirrored(url: str) -> str:
    """Return the address from which ``url`` is fetched: ``https://HOST/PATH`` may have a mirror.

    Raises:
        InputError: as :func:`mirror`.
    """
    base = mirror()
    if base is None or not url.startswith("https://"):
        return url
    return f"{base}/{url.removeprefix('https://')}"


def mirror_folder() -> Path | None:
    """Return the folder that is the mirror; None where it is a server or none is named.

    Raises:
        InputError: as :func:`mirror`.
    """
    base = mirror()
    if base is None or urlsplit(base).scheme != "file":
        return None
    return Path(url2pathname(urlsplit(base).path))
