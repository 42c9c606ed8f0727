"""Caption text: normalisation, equality up to case and final punctuation, words.

Captions come from the web and from language models, so they are untrusted: control characters and
invisible direction marks are removed here, once, and everything downstream may rely on that.
"""

import re
import unicodedata

SEPARATOR = "=>"
"""Joins the tiers of a hierarchy in the official files, so no caption may contain it."""

# Joiners carry meaning inside emoji and in several scripts; other format characters (direction
# overrides, byte-order marks, soft hyphens) only hide what a text says.
_KEPT_FORMAT_CHARACTERS = {"\u200c", "\u200d"}


class _Characters(dict[int, str]):
    """What each code point becomes, looked up once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            character = " "
        elif category == "Cs" or (category == "Cf" and character not in _KEPT_FORMAT_CHARACTERS):
            character = ""
        self[code] = character
        return character


_CHARACTERS = _Characters()
_TRAILING = re.compile(r"[\s.,;:!?]+$")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def normalise(text: str) -> str:
    """Return ``text`` in Unicode form NFC, on one line, without control or direction characters.

    Idempotent. White space of every kind becomes single spaces; lone surrogates are removed.
    Case, punctuation, emoji and markup are kept: they are escaped where they are shown.
    """
    kept = unicodedata.normalize("NFC", text).translate(_CHARACTERS)
    return " ".join(unicodedata.normalize("NFC", kept).split())


def text_key(text: str) -> str:
    """Return what two texts share that differ only in case, spacing or final punctuation."""
    return _TRAILING.sub("", normalise(text).casefold())


def words(text: str) -> list[str]:
    """Return the lower-case words of ``text``; punctuation, symbols and emoji are left out."""
    return _WORD.findall(text.casefold())
