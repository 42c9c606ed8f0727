"""Write the explorer's files: data first, then the page that names them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, sha256_file
from hierarcaps.runtime.static_page import inert_json

if TYPE_CHECKING:
    from hierarcaps.data.hierarchy import CaptionHierarchy
    from hierarcaps.data.images import ImageStore
    from hierarcaps.evaluation.results import Run

PAGE = "index.html"
CAPTIONS = "captions.js"
# Fixed, so that the set of files does not depend on the data: 5,000 photographs make files of less
# than a megabyte, each loaded when one of its pictures comes into view.
PICTURE_FILES = 128
_OWN_FILE = re.compile(r"(pictures|run)-\d{3,}\.js")


def explorer_files(runs: int) -> list[str]:
    """Return the names of all files of an explorer of this many runs, the page first."""
    pictures = [_pictures_file(number) for number in range(PICTURE_FILES)]
    return [PAGE, CAPTIONS, *pictures, *(_run_file(number) for number in range(runs))]


def export_explorer(
    items: Sequence["CaptionHierarchy"],
    images: "ImageStore",
    runs: Sequence["Run"],
    results: str | Path,
    folder: str | Path,
) -> None:
    """Write the explorer of ``runs`` on the test set ``items`` to ``folder``.

    Exactly the files of ``explorer_files(len(runs))`` are written, each atomically and the page
    last; equal input gives equal bytes. Files of runs that an earlier export showed are removed.

    Args:
        items: the test set, in the order to browse it; items without an image get a blank tile.
        images: their images.
        runs: what can be chosen, in the order to offer it; at least one.
        results: where the runs' ``hierarchical_retrieval.parquet`` are.
        folder: e.g. ``results/explorer``.

    Raises:
        InputError: no run; a run listed twice; a missing or truncated image; a table of a run that
            is missing, unreadable, or of another test set.
    """
    from hierarcaps.explorer.page import first_pair, render_page
    from hierarcaps.explorer.tables import TextTable, read_run

    folder = Path(folder)
    if not items or not runs:
        raise InputError(
            f"{folder}: the explorer got {len(items)} test items and {len(runs)} runs, "
            "expected at least one of each"
        )
    if len(set(runs)) != len(runs):
        raise InputError(f"{folder}: a run is listed twice, expected distinct runs")
    texts = TextTable()
    captions = [
        [item.item_id, item.image or "", [texts.number(tier) for tier in item.tiers]]
        for item in items
    ]
    # Every input is read before anything is written: bad input leaves an earlier explorer whole.
    tables = [read_run(run, results, items, texts) for run in runs]
    contents: dict[str, Any] = {CAPTIONS: {"texts": texts.strings, "items": captions}}
    contents |= {_run_file(number): table for number, table in enumerate(tables)}
    contents |= _pictures(items, images)
    versions = {}
    for name in explorer_files(len(runs))[1:]:
        versions[name] = _write_data(folder / name, contents[name])
    page = {
        "items": len(items),
        "per_file": _per_file(items),
        "versions": versions,
        "runs": [[run.model, run.objective, run.seed] for run in runs],
        "pair": first_pair(runs),
    }
    with atomic_path(folder / PAGE) as partial:
        partial.write_text(render_page(page), encoding="utf-8", newline="\n")
    _remove_stale(folder, keep=set(versions))


def _pictures(items: Sequence["CaptionHierarchy"], images: "ImageStore") -> dict[str, list[str]]:
    from hierarcaps.explorer.pictures import data_uri
    from hierarcaps.runtime.progress import progress

    uris = [
        data_uri(images[item.image]) if item.image else ""
        for item in progress(items, "explorer pictures")
    ]
    size = _per_file(items)
    return {
        _pictures_file(number): uris[number * size : (number + 1) * size]
        for number in range(PICTURE_FILES)
    }


def _per_file(items: Sequence[Any]) -> int:
    return -(-len(items) // PICTURE_FILES)


def _pictures_file(number: int) -> str:
    return f"pictures-{number:03d}.js"


def _run_file(number: int) -> str:
    return f"run-{number:03d}.js"


def _write_data(path: Path, content: Any) -> str:
    """Write a file that hands its content to the page; return its version, a part of its hash."""
    with atomic_path(path) as partial:
        script = f"explorerData({inert_json(path.name)},{inert_json(content)});\n"
        partial.write_text(script, encoding="ascii", newline="\n")
    return sha256_file(path)[:12]


def _remove_stale(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path.name not in keep:
            path.unlink()
