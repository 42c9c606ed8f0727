"""The page itself: one HTML file with its style and script inside, and no caption."""

from collections.abc import Mapping, Sequence
from typing import Any

from hierarcaps.evaluation.results import Run
from hierarcaps.runtime.static_page import fill_page

_SCRIPTS = ("data.js", "state.js", "parts.js", "grid.js", "detail.js", "main.js")
_UNTRAINED_SUFFIX = "-untrained"


def render_page(page: Mapping[str, Any]) -> str:
    """Return the page; ``page`` is what it must know before it loads any data.

    Args:
        page: number of ``items``, pictures ``per_file``, ``versions`` of the data files by name,
            ``runs`` as [model, objective, seed], and ``pair``, the two runs shown first.
    """
    return fill_page(
        "hierarcaps.explorer", "page.html", "page.css", _SCRIPTS, page, loads_scripts=True
    )


def first_pair(runs: Sequence[Run]) -> list[int]:
    """Return the numbers of the two runs to compare first (of one, where there is but one).

    That is a model before and after alignment, else a model untrained and trained, else the first
    two runs.
    """
    number_of = {(run.model, run.objective): i for i, run in reversed(list(enumerate(runs)))}
    for objective in ("re", "ec"):
        for run in runs:
            before, after = (run.model, "zeroshot"), (run.model, objective)
            if before in number_of and after in number_of:
                return [number_of[before], number_of[after]]
    for run in runs:
        before = (run.model + _UNTRAINED_SUFFIX, run.objective)
        if before in number_of:
            return [number_of[before], number_of[run.model, run.objective]]
    return list(range(min(2, len(runs))))
