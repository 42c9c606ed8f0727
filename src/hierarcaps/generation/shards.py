"""Tables of generated hierarchies, cut into shards that can be made and made again one by one.

Every step writes the same columns, so that any step's output can be read, counted and scored in
the same way. A shard carries the key of everything that it was made from; shards of different keys
are never gathered into one table.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, sha256_file, sha256_json

COLUMNS = ("caption", "image", "source", "output", "tiers", "negatives", "reason")
"""caption: what entered; image: its file name or None; source: which step wrote the row; output:
what the model wrote; tiers: 4 texts, general -> specific, or None; negatives: 4 texts or None;
reason: why the row was rejected, None where it was accepted."""

_KEY = b"hierarcaps.key"
_FACTS = b"hierarcaps.facts"


def make_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table with all columns, absent values None."""
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    return pd.DataFrame(columns, dtype=object)


def shard_key(step: str, **parts: Any) -> str:
    """Return the key of a shard: a hash of the step's name and all that determines its content.

    ``parts`` are JSON-serialisable: prompt, model and its revision, params, seed, input hash,
    shard number.
    """
    return sha256_json({"step": step, **parts})


def model_identity(model: str | Path) -> str:
    """Return the hash of a local model's weights, or a hub id as it is."""
    weights = Path(model) / "model.safetensors"
    return sha256_file(weights) if weights.is_file() else str(model)


def shard_rows(count: int, shard: int, shards: int) -> range:
    """Return the row numbers of a shard; ``shard`` counts from 0. Shards differ by one row at most.

    Raises:
        InputError: no such shard.
    """
    if not 0 <= shard < shards:
        raise InputError(f"shard {shard} of {shards}: expected 0 to {shards - 1}")
    return range(count * shard // shards, count * (shard + 1) // shards)


def write_table(
    path: str | Path, table: pd.DataFrame, key: str, facts: Mapping[str, Any] | None = None
) -> None:
    """Write a table as parquet with its key, and facts for the datasheet, in the metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    schema = pa.schema(
        [(name, texts if name in ("tiers", "negatives") else pa.string()) for name in COLUMNS],
        metadata={_KEY: key, _FACTS: json.dumps(facts or {}, sort_keys=True)},
    )
    content = pa.Table.from_pandas(table[list(COLUMNS)], schema=schema, preserve_index=False)
    with atomic_path(path) as partial:
        pq.write_table(content.replace_schema_metadata(schema.metadata), partial)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read one shard or gathered table; tiers and negatives are lists of str or None.

    Raises:
        InputError: the file is missing, unreadable or has other columns.
    """
    return make_table(_read_rows(path))


def _read_rows(path: str | Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable table of hierarchies ({error})") from None
    if tuple(content.column_names) != COLUMNS:
        raise InputError(
            f"{path}: found the columns {', '.join(content.column_names)}, "
            f"expected {', '.join(COLUMNS)}"
        )
    return content.to_pylist()


def read_metadata(path: str | Path) -> tuple[str, dict[str, Any]]:
    """Return the key and the facts of a shard."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        return metadata[_KEY].decode(), json.loads(metadata[_FACTS])
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a shard of this workflow ({error!r})") from None


def is_current(path: str | Path, key: str) -> bool:
    """Return whether a shard exists whole, and was made from what ``key`` stands for."""
    try:
        return Path(path).is_file() and read_metadata(path)[0] == key
    except InputError:
        return False


def gather(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Return the rows of all shards, in the order of ``paths``."""
    return make_table([row for path in paths for row in _read_rows(path)])


def in_parts(
    table: pd.DataFrame,
    size: int,
    folder: Path,
    key: str,
    work: Callable[[pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """Return ``work`` of a table, done a part at a time; parts that are there are not done again.

    Args:
        table: any columns, whose values are JSON-serialisable.
        size: rows of a part.
        folder: of the finished parts, to be removed by the caller when their sum is published.
        key: of all that ``work`` does, the rows apart; as of :func:`shard_key`.
        work: makes ``COLUMNS`` of some rows.
    """
    done = []
    for number, start in enumerate(range(0, len(table), size)):
        rows = table.iloc[start : start + size]
        path = folder / f"part{number}.parquet"
        own = shard_key("part", key=key, rows=rows.to_dict("records"))
        if not is_current(path, own):
            write_table(path, work(rows), own)
        done.append(path)
    return gather(done)
