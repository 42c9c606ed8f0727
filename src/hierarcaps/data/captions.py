"""Captions and the images they are of, from any table, Conceptual Captions, or COCO's annotations.

Every reader returns a ``Table`` with the columns ``caption`` and ``image``, or yields several, of
files that need not fit into memory; both columns may have nulls, and what a null means is for the
caller to say.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from hierarcaps.data.names import file_name, is_address, is_sentence, names_an_image
from hierarcaps.data.tables import (
    PART_ROWS,
    Cell,
    Table,
    join,
    read_plain_rows,
    read_table_parts,
    shorten,
)
from hierarcaps.runtime.errors import InputError

# How Conceptual Captions come, by the names their columns get where a file has a header row.
CONCEPTUAL_FORMATS: Mapping[str, tuple[str, ...]] = {
    "CC3M": ("caption", "url"),
    "CC3M with labels": ("caption", "url", "labels", "mids", "scores"),
    "CC12M": ("url", "caption"),
}
_CAPTION_HEADERS = ("caption", "captions", "text")
_URL_HEADERS = ("url", "image_url", "image")
_ADDRESS = ("http://", "https://")  # of nearly all; others are looked at more closely
# Under these names a table holds its images where nothing else is said.
IMAGE_COLUMNS = ("image", "image_url", "url", "file_name", "filename", "image_name", "image_path")


def read_caption_table(path: str | Path, caption: str, image: str | None) -> Table:
    """Read the captions of a CSV, TSV or Parquet file with a header.

    Args:
        path: the file.
        caption: name of the caption column.
        image: name of the column of image names or addresses; by default the first of
            ``IMAGE_COLUMNS`` that is there, so that test images are known as such.

    Raises:
        InputError: as ``read_table``, and columns that have shifted: a sentence for an image, or
            addresses for most captions.
    """
    return join(caption_table_parts(path, caption, image))


def caption_table_parts(path: str | Path, caption: str, image: str | None) -> Iterator[Table]:
    """Yield what :func:`read_caption_table` reads in parts, as ``tables.read_table_parts``."""
    given = image or ""
    wanted, optional = ((caption, image), ()) if image else ((caption,), IMAGE_COLUMNS)
    rows, addresses, first = 0, 0, ""
    for table in read_table_parts(path, wanted, optional):
        if image is None:
            there = [name for name in IMAGE_COLUMNS if name in table.columns and name != caption]
            given = there[0] if there else ""
        captions = table.columns[caption]
        nothing: Sequence[Cell] = [None] * len(table)
        images = [each or None for each in table.columns.get(given, nothing)]
        found = Table(table.path, {"caption": captions, "image": images}, table.places, table.unit)
        for index, name in enumerate(images):
            if name is not None and is_sentence(name):
                raise InputError(
                    f"{found.where(index)}: found {shorten(name)} for the image, expected a file "
                    "name or an address; have the columns shifted?"
                )
        of_address = [i for i, text in enumerate(captions) if text and names_an_image(text)]
        if of_address and not addresses:
            first = f"{found.where(of_address[0])}: found {shorten(captions[of_address[0]])}"
        rows, addresses = rows + len(found), addresses + len(of_address)
        yield found
    if 2 * addresses > rows:
        raise InputError(
            f"{first} for the caption, and addresses or file names in {addresses} of {rows} rows, "
            "expected words; is it another column?"
        )


def captions_by_image(table: Table) -> dict[str, list[str]]:
    """Return image -> its captions without outer spaces, both in the order of the rows.

    Raises:
        InputError: a row without an image or a caption, with something else in their place, or an
            image in a folder.
    """
    by_image: dict[str, list[str]] = {}
    rows = zip(table.columns["image"], table.columns["caption"], strict=True)
    for index, (image, caption) in enumerate(rows):
        if not image or caption is None or not caption.strip():
            found = "a null caption" if image and caption is None else "an empty cell"
            raise InputError(
                f"{table.where(index)}: expected an image and a caption, found {found}"
            )
        if names_an_image(caption) or is_sentence(image):
            raise InputError(
                f"{table.where(index)}: found {shorten(image)} for the image and "
                f"{shorten(caption)} for the caption, expected a file name and words; have the "
                "columns shifted?"
            )
        name = file_name(image)
        if not name or (not is_address(image) and re.search(r"[/\\]", image)):
            raise InputError(
                f"{table.where(index)}: found {shorten(image)}, expected a bare file name"
            )
        by_image.setdefault(name, []).append(caption.strip())
    if not by_image:
        raise InputError(f"{table.path}: found no rows, expected images and captions")
    return by_image


def conceptual_parts(path: str | Path) -> Iterator[Table]:
    """Yield Conceptual Captions as published, in parts: tabs part columns, quotes are plain text.

    The first row tells which of ``CONCEPTUAL_FORMATS`` it is; a header row is none of the captions.

    Raises:
        InputError: no such file, a first row of none of these formats, a row of another width, or
            one without an address in its place.
    """
    path = Path(path)
    rows = read_plain_rows(path, "table of captions and addresses")
    first = next(rows, None)
    if first is None:
        return
    columns, is_header = _conceptual_columns(path, *first)
    rows = rows if is_header else chain([first], rows)
    width, of_caption, of_url = len(columns), columns.index("caption"), columns.index("url")
    while part := list(islice(rows, PART_ROWS)):
        captions: list[Cell] = []
        images: list[Cell] = []
        for line, cells in part:
            if len(cells) != width:
                raise InputError(
                    f"{path}, line {line}: found {len(cells)} fields, expected {width} as in the "
                    f"first row ({', '.join(columns)})"
                )
            url = cells[of_url].strip()
            if url and not url.startswith(_ADDRESS) and not names_an_image(url):
                raise InputError(
                    f"{path}, line {line}: found {shorten(url)} for the address, expected "
                    f"{', '.join(columns)} in this order as in the first row"
                )
            captions.append(cells[of_caption])
            images.append(url or None)
        yield Table(path, {"caption": captions, "image": images}, [n for n, _ in part], "line")


def _conceptual_columns(
    path: Path, line: int, cells: Sequence[str]
) -> tuple[tuple[str, ...], bool]:
    """Return the columns that a first row shows, and whether the row is only their header."""
    names = [cell.strip().casefold() for cell in cells]
    of_caption = [i for i, name in enumerate(names) if name in _CAPTION_HEADERS]
    of_url = [i for i, name in enumerate(names) if name in _URL_HEADERS]
    if len(of_caption) == len(of_url) == 1:
        known = {of_caption[0]: "caption", of_url[0]: "url"}
        return tuple(known.get(i, name) for i, name in enumerate(names)), True
    for columns in CONCEPTUAL_FORMATS.values():
        if len(cells) == len(columns):
            place = columns.index("url")
            others = [cell for i, cell in enumerate(cells) if i != place]
            # An image that has gone has no address; then the order is that of CC3M.
            if is_address(cells[place]) or (not cells[place] and not any(map(is_address, others))):
                return columns, False
    if len(cells) == 2 and names_an_image(cells[1].strip()):
        return CONCEPTUAL_FORMATS["CC3M"], False
    formats = "; ".join(f"{name}: {', '.join(c)}" for name, c in CONCEPTUAL_FORMATS.items())
    raise InputError(
        f"{path}, line {line}: found {len(cells)} fields ({', '.join(map(shorten, cells[:4]))}), "
        f"expected a row of Conceptual Captions, its columns parted by tabs ({formats})"
    )


def read_coco(path: str | Path) -> Table:
    """Read COCO's caption annotations; a caption may be null.

    Raises:
        InputError: unreadable, of another form, an image given twice, or an annotation of none.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected COCO's caption annotations") from None
    except OSError as error:
        raise InputError(f"{path}: not a readable file of captions ({error})") from None
    except ValueError as error:
        raise InputError(
            f"{path}: cannot be read as JSON ({error}), expected COCO's caption annotations"
        ) from None
    images = _coco_records(path, content, "images", {"id": (int, str), "file_name": str})
    wanted = {"image_id": (int, str), "caption": (str, type(None))}
    annotations = _coco_records(path, content, "annotations", wanted)
    twice = [each for each, times in Counter(image["id"] for image in images).items() if times > 1]
    if twice:
        raise InputError(f"{path}: image {twice[0]!r} is given twice in images")
    names = {image["id"]: image["file_name"] for image in images}
    for number, each in enumerate(annotations, start=1):
        if each["image_id"] not in names:
            raise InputError(
                f"{path}, annotation {number}: names image {each['image_id']!r}, which is not in "
                "images"
            )
    columns = {
        "caption": [each["caption"] for each in annotations],
        "image": [names[each["image_id"]] for each in annotations],
    }
    return Table(path, columns, range(1, len(annotations) + 1), "annotation")


def _coco_records(path: Path, content: Any, key: str, kinds: Mapping[str, Any]) -> list[Any]:
    """Return a list of records that have these keys, with values of these types."""
    records = content.get(key) if isinstance(content, dict) else None
    if not isinstance(records, list):
        raise InputError(
            f"{path}: not COCO's caption annotations, expected 'images' (id, file_name) and "
            "'annotations' (image_id, caption)"
        )
    for number, record in enumerate(records, start=1):
        for name, kind in kinds.items():
            if not isinstance(record, dict) or name not in record:
                raise InputError(f"{path}: number {number} of {key} has no {name!r}")
            if not isinstance(record[name], kind) or isinstance(record[name], bool):
                raise InputError(
                    f"{path}: number {number} of {key} has {shorten(record[name])} for {name!r}"
                )
    return records
