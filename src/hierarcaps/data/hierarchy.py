"""Caption hierarchies (four tiers, general to specific) and the files that hold them.

Text files follow the official HierarCaps tables: a test table has the columns ``id``, ``captions``
and ``image_url``, a training table ``positive``, ``negative`` and optionally ``image_url``; the
tiers of a chain are joined by `` => ``. Parquet files hold them as lists, so that any text fits.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.data.names import file_name, is_sentence
from hierarcaps.data.tables import (
    is_list_of_texts,
    is_null,
    is_text,
    is_whole_number,
    parquet_schema,
    read_parquet_columns,
    read_rows,
    shorten,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

TIERS = 4
SEPARATOR = " => "
ARROW = "=>"
# One space on each side belongs to the separator, any further one to the caption: official captions
# keep their outer spaces, and tables edited by hand may have none around the arrow.
_SPLIT = re.compile(" ?=> ?")
_DELIMITERS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}
_PARQUET_COLUMNS = ("id", "tiers", "image", "negatives")


@dataclass(frozen=True)
class CaptionHierarchy:
    """One image's chain of captions, from the most general to the most specific.

    Attributes:
        item_id: unique within a file.
        tiers: four non-empty captions; each is entailed by the next.
        image: file name of the image, without folders; None for text-only items.
        negatives: four non-empty captions, the i-th contradicting the i-th tier; None where absent.

    Raises:
        InputError: a chain that has not exactly four tiers, or has an empty one.

    >>> tiers = ("animal", "goat", "a white goat", "a white goat on an island")
    >>> CaptionHierarchy("7", tiers, image="7.jpg").tiers[1]
    'goat'
    """

    item_id: str
    tiers: tuple[str, str, str, str]
    image: str | None = None
    negatives: tuple[str, str, str, str] | None = None

    def __post_init__(self) -> None:
        _check_chain(self.tiers, "tiers")
        if self.negatives is not None:
            _check_chain(self.negatives, "negative tiers")


def _check_chain(chain: tuple[str, ...], what: str) -> None:
    if len(chain) != TIERS:
        raise InputError(f"found {len(chain)} {what}, expected {TIERS}, general to specific")
    for number, caption in enumerate(chain, start=1):
        if not isinstance(caption, str) or not caption.strip():
            raise InputError(f"number {number} of the {what} is empty, expected a caption")


def read_hierarchies(path: str | Path) -> list[CaptionHierarchy]:
    """Read the hierarchies of a ``.csv``, ``.csv.gz``, ``.tsv`` or ``.parquet`` file, in its order.

    Rows without an ``id`` column are numbered from 0. ``image`` is the file name in
    which ``image_url`` ends, without a query and with ``%20`` as a space (``names.file_name``).

    Raises:
        InputError: unreadable file, missing column, row that is not a hierarchy, repeated id.
    """
    path = Path(path)
    items: list[CaptionHierarchy] = []
    place_of_id: dict[str, str] = {}
    for place, fields in _read_rows(path):
        try:
            item = _from_fields(fields, default_id=str(len(items)))
        except InputError as error:
            raise InputError(f"{path}, {place}: {error}") from None
        if item.item_id in place_of_id:
            raise InputError(
                f"{path}, {place}: id {item.item_id!r} was already given to "
                f"{place_of_id[item.item_id]}, expected unique ids"
            )
        place_of_id[item.item_id] = place
        items.append(item)
    if not items:
        raise InputError(f"{path}: found no rows, expected at least one hierarchy")
    return items


def write_hierarchies(path: str | Path, items: Iterable[CaptionHierarchy]) -> None:
    """Write hierarchies so that :func:`read_hierarchies` gives them back unchanged.

    The training columns are used where the items have negatives, the test columns otherwise.

    Raises:
        InputError: unknown suffix; items of which only some have negatives, or a caption that
            contains ``=>``, in a text format.
    """
    path = Path(path)
    items = list(items)
    if _suffix(path) == ".parquet":
        _write_parquet(path, items)
        return
    header = _text_header(path, items)
    buffer = io.StringIO(newline="")
    # "\r\n" makes the writer quote both characters wherever a caption contains one of them.
    writer = csv.writer(buffer, delimiter=_DELIMITERS[_suffix(path)], lineterminator="\r\n")
    writer.writerow(header)
    for item in items:
        fields = _text_fields(path, item)
        writer.writerow([fields[column] for column in header])
    try:
        content = buffer.getvalue().encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: a caption is not valid unicode text ({error.reason})") from None
    if path.name.endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def check_suffix(path: Path) -> None:
    """Refuse the name of a file that :func:`write_hierarchies` could not write.

    Raises:
        InputError: unknown suffix.
    """
    _suffix(path)


def _suffix(path: Path) -> str:
    for suffix in (*_DELIMITERS, ".parquet"):
        if path.name.endswith(suffix):
            return suffix
    expected = ", ".join((*_DELIMITERS, ".parquet"))
    raise InputError(f"{path}: unknown kind of hierarchy file, expected one of {expected}")


def _read_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (line or row, its fields by column)."""
    what = "table of caption hierarchies"
    if _suffix(path) == ".parquet":
        rows = _read_parquet(path, what)
        yield from ((f"row {number}", fields) for number, fields in enumerate(rows, start=1))
        return
    header: list[str] | None = None
    for line, cells in read_rows(path, _DELIMITERS[_suffix(path)], what):
        if header is None:
            header = cells
            _check_header(path, header)
        else:
            yield f"line {line}", dict(zip(header, cells, strict=True))
    if header is None:
        raise InputError(f"{path}: the file is empty, expected a header and rows of hierarchies")


def _check_header(path: Path, header: list[str]) -> None:
    wanted = ("positive", "negative") if "positive" in header else ("id", "captions", "image_url")
    missing = [column for column in wanted if column not in header]
    if missing:
        found = ", ".join(name[:40] for name in header[:6])
        raise InputError(
            f"{path}: column {missing[0]!r} is missing, found {found!r}, expected "
            "id, captions, image_url (test) or positive, negative (training)"
        )
    if len(set(header)) != len(header):
        raise InputError(f"{path}: a column name occurs twice in {', '.join(header)!r}")


def _from_fields(fields: Mapping[str, Any], default_id: str) -> CaptionHierarchy:
    """Build one item from a row of either official table, or of a Parquet file."""
    if "tiers" in fields:
        if fields["id"] is None:
            raise InputError("the id is null, expected a text or a number")
        tiers, negatives = tuple(fields["tiers"] or ()), fields["negatives"]
        negatives = None if negatives is None else tuple(negatives)
        image = _image_name(fields["image"])
        return CaptionHierarchy(str(fields["id"]), tiers, image, negatives)  # type: ignore[arg-type]
    image = _image_name(fields.get("image_url"))
    item_id = fields.get("id", default_id)
    if "positive" in fields:
        tiers, negatives = _split(fields["positive"]), _split(fields["negative"])
    else:
        tiers, negatives = _split(fields["captions"]), None
    return CaptionHierarchy(item_id, tiers, image, negatives)  # type: ignore[arg-type]


def _image_name(text: str | None) -> str | None:
    if not text:
        return None
    if is_sentence(text):
        raise InputError(
            f"found {shorten(text)} for the image, expected a file name or an address; have the "
            "columns shifted?"
        )
    return file_name(text) or None


def _split(chain: str) -> tuple[str, ...]:
    return tuple(_SPLIT.split(chain))


def _text_header(path: Path, items: list[CaptionHierarchy]) -> list[str]:
    with_negatives = sum(item.negatives is not None for item in items)
    if with_negatives == 0:
        return ["id", "captions", "image_url"]
    if with_negatives != len(items):
        raise InputError(
            f"{path}: {with_negatives} of {len(items)} hierarchies have negatives, "
            "expected all or none"
        )
    header = ["positive", "negative"]
    if any(item.image is not None for item in items):
        header.append("image_url")
    if any(item.item_id != str(row) for row, item in enumerate(items)):
        header.insert(0, "id")
    return header


def _text_fields(path: Path, item: CaptionHierarchy) -> dict[str, str]:
    for caption in (*item.tiers, *(item.negatives or ())):
        if ARROW in caption:
            raise InputError(
                f"{path}: item {item.item_id!r} has a caption that contains {ARROW!r}, the "
                "separator of this format; expected captions without it, or a .parquet file"
            )
    chain = SEPARATOR.join(item.tiers)
    return {
        "id": item.item_id,
        "captions": chain,
        "positive": chain,
        "negative": SEPARATOR.join(item.negatives or ()),
        "image_url": item.image or "",
    }


def _read_parquet(path: Path, what: str) -> Iterator[Mapping[str, Any]]:
    names = parquet_schema(path, what).names
    missing = [column for column in _PARQUET_COLUMNS if column not in names]
    if missing:
        raise InputError(
            f"{path}: column {missing[0]!r} is missing, found {', '.join(names)!r}, "
            f"expected {', '.join(_PARQUET_COLUMNS)}"
        )
    table = read_parquet_columns(path, _PARQUET_COLUMNS, what)
    kinds = {
        "id": ((is_text, is_whole_number), "texts or whole numbers"),
        "tiers": ((is_list_of_texts,), "lists of texts"),
        "image": ((is_text, is_null), "texts"),
        "negatives": ((is_list_of_texts, is_null), "lists of texts"),
    }
    for column, (checks, expected) in kinds.items():
        kind = table.schema.field(column).type
        if not any(check(kind) for check in checks):
            raise InputError(f"{path}: column {column!r} holds {kind}, expected {expected}")
    yield from table.to_pylist()


def _write_parquet(path: Path, items: list[CaptionHierarchy]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            ("id", pa.string()),
            ("tiers", pa.list_(pa.string())),
            ("image", pa.string()),
            ("negatives", pa.list_(pa.string())),
        ]
    )
    rows = [
        {"id": i.item_id, "tiers": i.tiers, "image": i.image, "negatives": i.negatives}
        for i in items
    ]
    try:
        table = pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: a caption is not valid unicode text ({error.reason})") from None
    with atomic_path(path) as partial:
        pq.write_table(table, partial)
