"""Read a reviewed sheet back as the curated test set."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.review.sheet import DECISIONS, UNDECIDED, ReviewRow, read_sheet
from hierarcaps.runtime.errors import InputError

_logger = logging.getLogger(__name__)


def read_review(sheet: str | Path, original: Sequence[CaptionHierarchy]) -> list[CaptionHierarchy]:
    """Return the accepted and edited hierarchies, in the order of ``original``.

    Rejected items are left out, and so are undecided ones (whose number is logged as a warning) and
    those that the sheet lacks, which count as undecided. An edited item loses its negatives: they
    were made to contradict the tiers as they had been.

    Raises:
        InputError: a sheet that :func:`hierarcaps.review.sheet.read_sheet` refuses, an unknown id,
            an accepted or edited row with an empty tier, an accepted row whose tiers are not those
            of ``original`` (edited without saying so, or proposed anew since).
    """
    rows = _read_rows(sheet, original)
    curated = []
    for item in original:
        number, row = rows.get(item.item_id, (0, None))
        if row is not None and row.decision in ("accept", "edit"):
            curated.append(_apply(f"{sheet}, row {number}", item, row))
    undecided = count_decisions(sheet, original)["undecided"]
    if undecided:
        _logger.warning(
            "%s: %d of %d items are undecided and left out", sheet, undecided, len(original)
        )
    return curated


def count_decisions(sheet: str | Path, original: Sequence[CaptionHierarchy]) -> dict[str, int]:
    """Return how many items are ``accept``, ``edit``, ``reject`` and ``undecided``.

    Raises:
        InputError: as for :func:`read_review`, but tiers are not looked at.
    """
    rows = _read_rows(sheet, original)
    decisions = [row.decision for _, row in rows.values() if row.decision != UNDECIDED]
    counts = {decision: decisions.count(decision) for decision in DECISIONS}
    return {**counts, "undecided": len(original) - len(decisions)}


def _read_rows(
    sheet: str | Path, original: Sequence[CaptionHierarchy]
) -> dict[str, tuple[int, ReviewRow]]:
    rows = read_sheet(sheet)
    known = {item.item_id for item in original}
    for item_id, (number, _) in rows.items():
        if item_id not in known:
            raise InputError(
                f"{sheet}, row {number}: item id {item_id!r} is not among the {len(known)} items "
                "under review"
            )
    return rows


def _apply(where: str, item: CaptionHierarchy, row: ReviewRow) -> CaptionHierarchy:
    for number, (tier, proposed) in enumerate(zip(row.tiers, item.tiers, strict=True), start=1):
        if not tier.strip():
            raise InputError(
                f"{where} (item {item.item_id!r}): tier {number} is empty, expected a caption in "
                f"a row marked {row.decision}"
            )
        if row.decision == "accept" and tier != proposed:
            raise InputError(
                f"{where} (item {item.item_id!r}): tier {number} is not the proposed caption in a "
                "row marked accept; mark it edit, or export the review again where the proposals "
                "have changed"
            )
    if row.tiers == item.tiers:
        return item
    return replace(item, tiers=row.tiers, negatives=None)
