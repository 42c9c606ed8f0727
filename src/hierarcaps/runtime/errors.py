"""The one exception for what a user can cause."""


class InputError(ValueError):
    """Input that the user can correct.

    The message is one sentence that names the file, the row or the key, what was found and what
    was expected. Entry points (workflow scripts, the command line) print it and exit with status 1;
    they never show a traceback for it.
    """
