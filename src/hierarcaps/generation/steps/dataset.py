"""The data set: all items of a split."""

from collections.abc import Sequence

from hierarcaps.data.hierarchy import CaptionHierarchy, write_hierarchies
from hierarcaps.generation.filtering import accepted
from hierarcaps.generation.shards import gather, shard_key, write_table
from hierarcaps.generation.steps import Files
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file


def make_items_table(inputs: Sequence[Files], output: Files, hierarchies: Files) -> None:
    """Gather the shards of items, rejects with their reasons, and write the accepted ones.

    ``hierarchies`` gets them in the format of the official training set.
    """
    table = gather(inputs)
    write_table(output, table, shard_key("gathered", inputs=[sha256_file(p) for p in inputs]))
    kept = accepted(table)
    if kept.empty:
        raise InputError(f"{output}: none of {len(table)} captions became an item, expected some")
    rows = zip(kept["tiers"], kept["negatives"], kept["image"], strict=True)
    items = [
        CaptionHierarchy(str(number), tuple(tiers), image or None, tuple(negatives))
        for number, (tiers, negatives, image) in enumerate(rows)
    ]
    write_hierarchies(hierarchies, items)
