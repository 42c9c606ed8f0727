"""Test items that reports show with their pictures."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.data.images import ImageStore
from hierarcaps.evaluation.tasks.protocol import Items
from hierarcaps.runtime.files import atomic_path

LONGEST_SIDE = 256  # px


def write_examples(
    items: Items, images: ImageStore, settings: Mapping[str, Any], path: str | Path
) -> None:
    """Write a seeded sample of items with their pictures (``item_id``, ``image``, ``gold``).

    The sample does not depend on any result, so that examples cannot flatter a model.
    """
    import pandas as pd

    rng = np.random.default_rng(settings["seed"])
    count = min(settings["examples"], len(items))
    chosen = [items[i] for i in sorted(rng.choice(len(items), count, replace=False))]
    rows = [
        {
            "item_id": item.item_id,
            "image": _thumbnail(images, item.image or ""),
            "gold": list(item.tiers),
        }
        for item in chosen
    ]
    with atomic_path(path) as partial:
        pd.DataFrame(rows).to_parquet(partial, index=False)


def _thumbnail(images: ImageStore, name: str) -> bytes:
    picture = images[name]
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
