"""The one exception for what a user can cause, and other libraries' errors in one line."""

import re

_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class InputError(ValueError):
    """Input that the user can correct.

    The message is one sentence that names the file, the row or the key, what was found and what
    was expected. Entry points (workflow scripts, the command line) print it and exit with status 1;
    they never show a traceback for it.
    """


def one_line(error: Exception) -> str:
    """Return another library's error as at most 200 characters on one line, without colours."""
    text = " ".join(_TERMINAL.sub("", str(error)).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
