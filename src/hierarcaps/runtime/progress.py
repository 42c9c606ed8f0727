"""Progress of long loops: a bar on a terminal, a line every few seconds in a log."""

import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

LOG_INTERVAL_SECONDS = 5.0


class _LineWriter:
    """Turns tqdm's redrawn bar into lines, so that logs and parallel jobs stay readable."""

    def write(self, text: str) -> None:
        line = text.strip("\r\n ")
        if line:
            sys.stderr.write(line + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


def progress(iterable: Iterable[Any] | None, description: str, total: int | None = None) -> tqdm:
    """Return a tqdm over ``iterable`` (or a manual bar where it is None).

    Use ``set_postfix_str(..., refresh=False)`` on it to show losses or counts.
    """
    # tqdm itself reads this once only, when it is imported.
    disable = bool(os.environ.get("TQDM_DISABLE"))
    if sys.stderr.isatty():
        return tqdm(iterable, description, total, dynamic_ncols=True, disable=disable)
    return tqdm(
        iterable,
        desc=description,
        total=total,
        file=_LineWriter(),
        disable=disable,
        mininterval=LOG_INTERVAL_SECONDS,
        bar_format="{desc}: {percentage:3.0f}% {n_fmt}/{total_fmt} "
        "[{elapsed}<{remaining}] {postfix}",
    )
