"""MERU: open_clip's towers on the hyperboloid, in this project's and the published format."""

import hierarcaps.models.open_clip_family  # noqa: F401  (it prepares the import of open_clip)

__all__ = ["encoder", "source"]
