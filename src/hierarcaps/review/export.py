"""Export a review: the sheet and the page, with all the work that an earlier sheet holds."""

from collections.abc import Sequence
from pathlib import Path

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import ImageStore
from hierarcaps.review.page import render_page
from hierarcaps.review.sheet import (
    UNDECIDED,
    ReviewRow,
    fingerprint,
    read_sheet,
    render_sheet,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

SHEET_NAME = "review.csv"
PAGE_NAME = "review.html"


def export_review(
    items: Sequence[CaptionHierarchy], images: ImageStore | None, folder: str | Path
) -> list[ReviewRow]:
    """Write ``review.csv`` and the self-contained ``review.html`` into ``folder``; return the rows.

    The decisions, edits and comments of a sheet that is already there are carried over:

    * Unchanged proposal: the row stays as it is.
    * Proposed anew since: an accepted row keeps the text that was accepted, as an edit; edited and
      rejected rows and drafts stay; untouched rows get the new proposal. The page marks the rows
      whose proposal has changed since they were judged.

    ``images`` may be None for items without images.

    Raises:
        InputError: no items, repeated item id, missing or broken image, a text that is not valid
            unicode, or an existing sheet that is broken or holds work on items that are not in
            ``items``. Nothing is written then.
    """
    folder = Path(folder)
    sheet, page = folder / SHEET_NAME, folder / PAGE_NAME
    _check_ids(items)
    earlier = read_sheet(sheet) if sheet.exists() else {}
    _check_orphans(sheet, earlier, items)
    rows = []
    for item in items:
        _, row = earlier.get(item.item_id, (0, None))
        rows.append(_carry(item, row))
    table = render_sheet(sheet, rows)
    html = render_page(items, rows, images, SHEET_NAME)
    with atomic_path(page) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")
    with atomic_path(sheet) as partial:
        partial.write_bytes(table)
    return rows


def _carry(item: CaptionHierarchy, row: ReviewRow | None) -> ReviewRow:
    """Return the row of ``item``, with the work that ``row`` of the earlier sheet holds."""
    proposal = fingerprint(item.tiers)
    decision, tiers, comment, judged = UNDECIDED, item.tiers, "", proposal
    if row is not None:
        decision, comment = row.decision, row.comment
        if decision != UNDECIDED or _is_draft(row):
            tiers = row.tiers
            judged = proposal if tiers == item.tiers else row.proposal or proposal
        if decision == "accept" and tiers != item.tiers:
            decision = "edit"
    return ReviewRow(item.item_id, decision, tiers, item.image or "", comment, judged)


def _is_draft(row: ReviewRow) -> bool:
    """Whether the tiers differ from the proposal that the row was made for."""
    return fingerprint(row.tiers) != row.proposal


def _check_ids(items: Sequence[CaptionHierarchy]) -> None:
    if not items:
        raise InputError("found no items to review, expected at least one hierarchy")
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise InputError(
                f"item id {item.item_id!r} occurs twice, expected unique ids to review"
            )
        seen.add(item.item_id)


def _check_orphans(
    sheet: Path, earlier: dict[str, tuple[int, ReviewRow]], items: Sequence[CaptionHierarchy]
) -> None:
    known = {item.item_id for item in items}
    for item_id, (number, row) in earlier.items():
        if item_id not in known and (row.decision or row.comment or _is_draft(row)):
            raise InputError(
                f"{sheet}, row {number}: holds work on item {item_id!r}, which is not among the "
                f"{len(known)} items to review; move the sheet away to start a new review"
            )
