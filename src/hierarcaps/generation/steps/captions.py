"""Captions: what the pipeline starts from."""

from collections.abc import Sequence

import pandas as pd

from hierarcaps.generation.sources import prepare_captions, read_captions
from hierarcaps.generation.steps import Files, Params
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, write_json


def make_captions(
    sources: Sequence[Params], excluded_images: Sequence[str], settings: Params, output: Files,
    counts: Files,
) -> None:  # fmt: skip
    """Gather the captions of all sources into one parquet file (``caption``, ``image``).

    Args:
        sources: each with ``path``, ``kind`` and, for tables, ``caption_column``, ``image_column``.
        excluded_images: names of test images.
        settings: ``min_words``, ``max_words``, ``max_characters``.
        output: parquet file.
        counts: JSON file of what was left out, and why.
    """
    table = pd.concat([read_captions(**source) for source in sources], ignore_index=True)
    kept, numbers = prepare_captions(table, excluded_images, **settings)
    if kept.empty:
        files = ", ".join(str(source["path"]) for source in sources)
        counted = [f"{n} {reason}" for reason, n in numbers.items() if n and reason != "entered"]
        why = f" ({', '.join(counted)})" if counted else ""
        raise InputError(f"{files}: no usable caption is left, of {len(table)}{why}")
    with atomic_path(output) as partial:
        kept.to_parquet(partial, index=False)
    write_json(counts, numbers)
