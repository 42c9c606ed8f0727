"""Where captions come from: drawn scenes, COCO, Conceptual Captions, any table.

All are read into the columns ``caption`` (str) and ``image`` (file name or None), as they are;
``preparation`` normalises and filters them, and counts what was left out, and why.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hierarcaps.data.captions import caption_table_parts, conceptual_parts, read_coco
from hierarcaps.data.tables import Table
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes.dataset import read_scenes

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("scenes", "coco", "conceptual", "table")


def read_captions(
    path: str | Path,
    kind: str = "table",
    caption_column: str = "caption",
    image_column: str | None = None,
) -> "pd.DataFrame":
    """Read captions as they are in the file.

    Args:
        path: the file.
        kind: ``scenes`` (parquet with ``name`` and lists in ``captions``), ``coco`` (annotations
            JSON), ``conceptual`` (CC3M, also with labels, or CC12M, as published) or ``table``
            (CSV, TSV or parquet with a caption column).
        caption_column: the caption column of a ``table``.
        image_column: the image-name or URL column of a ``table``; by default the one with a usual
            name (``data.captions.IMAGE_COLUMNS``), if it has one.

    Returns:
        Table with columns ``caption`` and ``image``, in file order.

    Raises:
        InputError: unknown kind, missing or unreadable file, missing column or key, a row of
            another width than the first or with its columns shifted.
    """
    import pandas as pd

    parts = list(caption_parts(path, kind, caption_column, image_column))
    columns = {
        name: [cell for part in parts for cell in part.columns[name]]
        for name in ("caption", "image")
    }
    return pd.DataFrame(columns, dtype=object)


def caption_parts(
    path: str | Path,
    kind: str = "table",
    caption_column: str = "caption",
    image_column: str | None = None,
) -> Iterator[Table]:
    """Yield what :func:`read_captions` reads, in parts; rows before a fault are yielded first."""
    path = Path(path)
    if kind not in KINDS:
        raise InputError(f"caption source kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    if not path.is_file():
        raise InputError(f"{path}: no such caption file")
    if kind == "scenes":
        yield _read_scenes(path)
    elif kind == "coco":
        yield read_coco(path)
    elif kind == "conceptual":
        yield from conceptual_parts(path)
    else:
        yield from caption_table_parts(path, caption_column, image_column)


def _read_scenes(path: Path) -> Table:
    scenes = read_scenes(path, ["name", "captions"]).explode("captions")
    columns = {"caption": list(scenes["captions"]), "image": list(scenes["name"])}
    return Table(path, columns, range(1, len(scenes) + 1), "row")
