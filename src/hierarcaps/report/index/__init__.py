"""The first page of the results: links, headline, provenance and durations."""

__all__ = ["durations", "page"]
