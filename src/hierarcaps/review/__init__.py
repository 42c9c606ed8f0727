"""Human review of a test set: a sheet and a page to work on it, and the curated set read back."""

from hierarcaps.review.curate import count_decisions, read_review
from hierarcaps.review.export import PAGE_NAME, SHEET_NAME, export_review

__all__ = ["PAGE_NAME", "SHEET_NAME", "count_decisions", "export_review", "read_review"]
