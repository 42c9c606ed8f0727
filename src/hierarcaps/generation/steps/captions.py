"""Captions: what the pipeline starts from."""

from collections.abc import Sequence

from hierarcaps.generation.caption_files import write_captions
from hierarcaps.generation.preparation import REASONS, Limits, prepared_captions
from hierarcaps.generation.sources import caption_parts
from hierarcaps.generation.steps import Files, Params
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json


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
    parts = (part for source in sources for part in caption_parts(**source))
    with prepared_captions(parts, excluded_images, Limits(**settings)) as (numbers, kept):
        if not numbers["kept"]:
            files = ", ".join(str(source["path"]) for source in sources)
            left_out = ", ".join(f"{numbers[name]} {name}" for name in REASONS if numbers[name])
            why = f" ({left_out})" if left_out else ""
            raise InputError(f"{files}: no usable caption is left, of {numbers['entered']}{why}")
        write_captions(output, kept)
    write_json(counts, numbers)
