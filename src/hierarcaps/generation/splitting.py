"""Which seeds are held out, decided before anything is made of them."""

import pandas as pd

from hierarcaps.data.held_out import choose_held_out
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import text_key

HELD_OUT = "held_out"
"""The reason of an accepted seed that teaches nothing: what learns from seeds is measured on it."""


def hold_out(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Give a share of the accepted rows the reason ``held_out``.

    Rows of one image (of one caption, where no image is known) are held out together. What is
    recombined or written from the other rows shares words with the held-out ones, but never comes
    from them.

    Args:
        table: ``shards.COLUMNS``.
        share: of the accepted images, in [0, 1); at least one image where it is above 0.
        seed: of the choice.

    Returns:
        The same rows in the same order.
    """
    rows = table.to_dict("records")
    keys = [row["image"] or text_key(row["caption"]) for row in rows]
    accepted = [key for key, row in zip(keys, rows, strict=True) if row["reason"] is None]
    if accepted and share > 0:
        chosen = choose_held_out(accepted, share, seed)
        for key, row in zip(keys, rows, strict=True):
            if row["reason"] is None and key in chosen:
                row["reason"] = HELD_OUT
    return make_table(rows)


def held_out(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that ``hold_out`` chose, re-indexed."""
    return table[table["reason"] == HELD_OUT].reset_index(drop=True)
