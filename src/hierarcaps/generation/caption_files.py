"""Files of prepared captions: Parquet with the columns ``caption`` and ``image``, of any length."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hierarcaps.generation.text import words
from hierarcaps.runtime.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 1 << 17  # that are in memory at a time


def write_captions(path: str | Path, tables: Iterable[Any]) -> None:
    """Write Arrow tables of the columns ``caption`` and ``image`` as one file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("caption", pa.string()), ("image", pa.string())])
    with atomic_path(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for table in tables:
            writer.write_table(table.cast(schema))


def count_rows(captions: str | Path) -> int:
    """Return the number of captions in a file."""
    import pyarrow.parquet as pq

    return pq.read_metadata(captions).num_rows


def read_captions(captions: str | Path, rows: range) -> "pd.DataFrame":
    """Return consecutive rows of a file of captions: ``caption`` and ``image`` (str or None)."""
    import pandas as pd
    import pyarrow.parquet as pq

    part = pq.read_table(captions).slice(rows.start, len(rows))
    return pd.DataFrame(part.to_pydict(), dtype=object)


def take(captions: str | Path, rows: Sequence[int]) -> Any:
    """Return some rows of a file of captions as an Arrow table, in the order of ``rows``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = np.array(rows, dtype=np.int64)
    in_order = np.sort(wanted)
    found, start = [], 0
    with pq.ParquetFile(captions) as file:
        for batch in file.iter_batches(BATCH_ROWS):
            here = in_order[slice(*np.searchsorted(in_order, [start, start + len(batch)]))]
            found.append(batch.take(pa.array(here - start)))
            start += len(batch)
        table = pa.Table.from_batches(found, file.schema_arrow)
    return table.take(pa.array(np.searchsorted(in_order, wanted)))


def read_texts(captions: str | Path) -> Iterator[str]:
    """Yield the texts of a file of captions, in its order, a part of the file in memory at once."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(captions) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["caption"]):
            yield from batch[0].to_pylist()


def vocabulary(captions: str | Path) -> set[str]:
    """Return all words of a file of captions."""
    return {word for text in read_texts(captions) for word in words(text)}
