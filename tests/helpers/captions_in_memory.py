"""Captions prepared from a table in memory into another."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from hierarcaps.data.tables import Table
from hierarcaps.generation.preparation import Limits, prepared_captions


def prepare_captions(table, excluded_images=(), **limits):
    columns = {
        name: [cell if isinstance(cell, str) else None for cell in table[name]]
        for name in ("caption", "image")
    }
    part = Table(Path(), columns, range(len(table)), "row")
    with prepared_captions([part], excluded_images, Limits(**limits)) as (counts, kept):
        tables = list(kept)
    rows = pa.concat_tables(tables).to_pydict() if tables else {"caption": [], "image": []}
    return pd.DataFrame(rows, dtype=object), counts
