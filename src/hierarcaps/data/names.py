"""Names of image files as tables, addresses and folders spell them, and finding one by another.

One picture has many spellings: an address with a query, ``%20`` for a space, a path of Windows,
letters with their accents apart (as macOS unpacks them). Reading brings a name to one form; looking
it up forgives what is left, as long as only one file can be meant.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm",
    ".jp2", ".avif", ".heic", ".svg",
)  # fmt: skip
# What file managers, notebooks and archives leave in folders; names with a dot in front as well.
_LEFT_BY_PROGRAMS = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin",
    "system volume information", "lost+found", "icon\r",
}  # fmt: skip
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # of two letters or more: C:/ is a drive
_SENTENCE_WORDS = 3


def is_company(name: str) -> bool:
    """Return whether a program left this file or folder among the images: it is none of them."""
    return name.startswith(".") or name.casefold() in _LEFT_BY_PROGRAMS


def is_address(text: str) -> bool:
    """Return whether a text is an address, ``scheme://...``."""
    return _SCHEME.match(text) is not None


def names_an_image(text: str) -> bool:
    """Return whether a text can only be an address or the file name of an image."""
    text = text.strip()
    return is_address(text) or (text.casefold().endswith(SUFFIXES) and " " not in text)


def is_sentence(text: str) -> bool:
    """Return whether a text can be no name of an image: three words or more, and no suffix."""
    # Most names have no blanks: counting these is much faster than splitting.
    if text.count(" ") < _SENTENCE_WORDS - 1:
        return False
    return (
        len(text.split()) >= _SENTENCE_WORDS
        and not is_address(text)
        and not re.search(r"\.\w{2,5}$", text)
    )


def file_name(text: str) -> str:
    """Return the file name, without folders, that an address, a path or a name ends in.

    A query behind the name of an image goes (``a.jpg?width=640``), and ``%20`` in an address
    becomes a space. Backslashes part folders. The name is in Unicode form NFC.
    """
    text = _without_query(text)
    if is_address(text):
        text = unquote(text)
    return unicodedata.normalize("NFC", re.split(r"[/\\]", text)[-1])


def canonical(name: str) -> str:
    """Return what all spellings of a file name share; case tells names apart."""
    return unicodedata.normalize("NFC", unquote(_without_query(name)))


def _without_query(text: str) -> str:
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    return path if path.casefold().endswith(SUFFIXES) else text


class NameIndex:
    """The names that there are, found by any spelling that only one of them can have."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._by_canonical: dict[str, str | None] = {}  # None: several names share it
        for name in self._names:
            key = canonical(name)
            self._by_canonical[key] = None if key in self._by_canonical else name

    def find(self, name: object) -> str | None:
        """Return the name as it is stored, or None."""
        if not isinstance(name, str) or name in self._names:
            return name if isinstance(name, str) else None
        return self._by_canonical.get(canonical(name))

    def near(self, name: str) -> str:
        """Return ``"; is it 'x.jpg'?"`` for the name most like an absent one, or nothing."""
        wanted = _bare(name)
        for other in sorted(self._names):
            if _bare(other) == wanted:
                return f"; is it {other!r}?"
        close = difflib.get_close_matches(canonical(name), self._names, 1, cutoff=0.8)
        return f"; is it {close[0]!r}?" if close else ""

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))


def _bare(name: str) -> str:
    """Return a name without folder, query, suffix and case, to find what was meant."""
    name = file_name(name)
    return canonical(name).rpartition(".")[0].casefold() or canonical(name).casefold()
