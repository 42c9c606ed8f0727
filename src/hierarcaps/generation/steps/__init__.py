"""The pipeline's steps from files to files: what each workflow rule calls, in a module of its own.

Every output is a table of ``shards.COLUMNS`` with a key of all that it was made from. A step whose
output is there under the same key does nothing, so that an interrupted run repeats no finished
shard, whoever starts it again. The package imports none of its modules: an edit of what one step
uses concerns that step alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Files = str | Path
Params = Mapping[str, Any]

__all__ = [
    "ablation",
    "acceptance",
    "augmentation",
    "captions",
    "dataset",
    "datasheet",
    "hierarchy_model",
    "items",
    "recombination",
    "samples",
    "seeds",
]
