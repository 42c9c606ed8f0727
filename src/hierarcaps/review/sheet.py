"""The review sheet: a UTF-8 CSV table with one row per hierarchy.

Columns: ``item_id``, ``decision`` (empty, accept, edit or reject), ``tier_1`` (general) to
``tier_4`` (specific), ``image`` (file name), ``comment``, and ``proposal``, a fingerprint of the
tiers that were proposed when the row was judged (reviewers leave it alone; it may be missing).

Captions are untrusted, and spreadsheets execute cells that begin like a formula. Such cells are
written with one apostrophe in front, and reading takes one away again: every text survives the
round trip, and none is executed. ``page.js`` writes the same bytes as :func:`write_sheet`.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

DECISIONS = ("accept", "edit", "reject")
UNDECIDED = ""
TIER_COLUMNS = tuple(f"tier_{number}" for number in range(1, TIERS + 1))
COLUMNS = ("item_id", "decision", *TIER_COLUMNS, "image", "comment", "proposal")
_REQUIRED = ("item_id", "decision", *TIER_COLUMNS)
# What makes a spreadsheet calculate (the full-width forms do so in some locales), behind any number
# of apostrophes, so that captions that begin with apostrophes themselves also come back unchanged.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True)
class ReviewRow:
    """One row of the sheet, as it stands; the tiers of a draft may be empty.

    Attributes:
        item_id: id of the hierarchy under review.
        decision: empty (undecided), ``accept``, ``edit`` or ``reject``.
        tiers: the captions, general to specific, as the reviewer left them.
        image: file name of the image, or empty.
        comment: the reviewer's, or empty.
        proposal: :func:`fingerprint` of the tiers that were judged, or empty where unknown.
    """

    item_id: str
    decision: str
    tiers: tuple[str, str, str, str]
    image: str = ""
    comment: str = ""
    proposal: str = ""


def fingerprint(tiers: Iterable[str]) -> str:
    """Return 12 hex digits that identify a chain of captions."""
    return hashlib.sha256(json.dumps(list(tiers)).encode()).hexdigest()[:12]


def write_sheet(path: str | Path, rows: Iterable[ReviewRow]) -> None:
    """Write the rows so that :func:`read_sheet` gives them back unchanged.

    Raises:
        InputError: a text that UTF-8 cannot hold (a lone surrogate).
    """
    content = render_sheet(path, rows)
    with atomic_path(path) as partial:
        partial.write_bytes(content)


def render_sheet(path: str | Path, rows: Iterable[ReviewRow]) -> bytes:
    """Return the bytes that :func:`write_sheet` writes; ``path`` is only named in errors."""
    buffer = io.StringIO(newline="")
    # Everything is quoted: captions may hold line breaks and the separators of other locales.
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.item_id, row.decision, *row.tiers, row.image, row.comment, row.proposal)
        try:
            "".join(cells).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{path}: item {row.item_id!r} has a text that is not valid unicode "
                f"({error.reason})"
            ) from None
        writer.writerow([_guard(cell) for cell in cells])
    # The byte order mark makes spreadsheets read the file as UTF-8.
    return buffer.getvalue().encode("utf-8-sig")


def read_sheet(path: str | Path) -> dict[str, tuple[int, ReviewRow]]:
    """Read a sheet: id -> (row number as a spreadsheet shows it, row), in the sheet's order.

    Rows without any text are skipped. Tiers are not judged here: drafts may be empty.

    Raises:
        InputError: unreadable file, missing or unknown column, row with too few or too many cells,
            unknown decision, repeated id.
    """
    path = Path(path)
    columns: list[str] = []
    rows: dict[str, tuple[int, ReviewRow]] = {}
    for number, cells in enumerate(_read_cells(path), start=1):
        if number == 1:
            columns = [cell.strip() for cell in cells]
            _check_columns(path, columns)
        elif any(cells):
            row = _parse(f"{path}, row {number}", columns, cells)
            if row.item_id in rows:
                raise InputError(
                    f"{path}, row {number}: item id {row.item_id!r} was already given in row "
                    f"{rows[row.item_id][0]}, expected each id once"
                )
            rows[row.item_id] = (number, row)
    if not columns:
        raise InputError(f"{path}: the sheet is empty, expected a header and one row per item")
    return rows


def _guard(text: str) -> str:
    return "'" + text if _FORMULA.match(text) else text


def _unguard(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _read_cells(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text, expected a sheet saved as CSV (UTF-8)") from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: the review sheet cannot be read ({reason})") from None
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}, row {len(rows) + 1}: not a valid CSV row ({error}), expected comma-separated "
            "cells with quoted texts"
        ) from None
    return rows


def _check_columns(path: Path, columns: list[str]) -> None:
    missing = [column for column in _REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in COLUMNS]
    found = ", ".join(column[:40] for column in columns[:12])
    if missing:
        problem = f"column {missing[0]!r} is missing"
    elif unknown:
        problem = f"column {unknown[0][:40]!r} is unknown"
    elif len(set(columns)) != len(columns):
        problem = "a column occurs twice"
    else:
        return
    raise InputError(f"{path}: {problem}, found {found!r}, expected {', '.join(COLUMNS)}")


def _parse(where: str, columns: list[str], cells: list[str]) -> ReviewRow:
    if len(cells) != len(columns):
        raise InputError(f"{where}: found {len(cells)} cells, expected {len(columns)}")
    fields = {name: _unguard(cell) for name, cell in zip(columns, cells, strict=True)}
    decision = fields["decision"].strip().lower()
    if decision not in (UNDECIDED, *DECISIONS):
        raise InputError(
            f"{where} (item {fields['item_id']!r}): unknown decision {decision[:40]!r}, expected "
            f"{', '.join(DECISIONS)} or nothing"
        )
    first, second, third, fourth = (fields[column] for column in TIER_COLUMNS)
    return ReviewRow(
        item_id=fields["item_id"],
        decision=decision,
        tiers=(first, second, third, fourth),
        image=fields.get("image", ""),
        comment=fields.get("comment", ""),
        proposal=fields.get("proposal", "").strip(),
    )
