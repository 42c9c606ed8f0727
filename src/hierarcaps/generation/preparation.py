"""Captions of any number, normalised, filtered and each kept once, in bounded memory.

DuckDB holds them in a temporary folder (TMPDIR) and works in as much memory as it is given. It
judges captions of plain English words itself, and has ``judge`` read every other one, whose verdict
on the plain ones is the same.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hierarcaps.data.leakage import image_key
from hierarcaps.data.names import names_an_image
from hierarcaps.data.tables import Cell, Table
from hierarcaps.generation.caption_files import BATCH_ROWS
from hierarcaps.generation.text import SEPARATOR, normalise, text_key, words
from hierarcaps.runtime.errors import InputError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

REASONS = (
    "test_image", "empty", "separator", "address", "too_short", "too_long", "duplicate",
)  # fmt: skip
MEMORY = "400MB"  # of DuckDB: what does not fit goes to the temporary folder
# Words parted by single spaces, each with one mark behind it at most, and marks by themselves, as
# Conceptual Captions have them: neither a separator nor an address, normalised already, and with as
# many words as spaces and one, less the marks by themselves.
_MARKS = ".,;:!?"
_PLAIN = f"[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*[{_MARKS}]?"
_PLAIN_CAPTION = f"{_PLAIN}(?: (?:{_PLAIN}|[{_MARKS}]))*"
_ALONE = f" [{_MARKS}]"
# A path or an address without escapes, query or further dots in its file's name.
_PLAIN_IMAGE = (
    r"^(?:[ !\"$&->@-\[\]-~]*/)?(?:COCO_(?:train|val|test)\d{4}_)?"
    r"([A-Za-z0-9-]+)(?:\.[A-Za-z0-9]+)?$"
)

_JUDGED = """
WITH read AS (
  SELECT number, caption, image,
    coalesce(length(caption) <= $max_characters AND regexp_full_match(caption, $plain), false)
      AS is_plain,
    image IS NOT NULL AND $any_excluded AS has_image
  FROM part
), known AS (
  SELECT *,
    CASE WHEN has_image THEN regexp_extract(image, $plain_image, 1) END AS stem,
    CASE WHEN is_plain THEN
      len(string_split(caption, ' ')) - len(regexp_extract_all(caption, $alone)) END AS words,
  FROM read
), judged AS (
  SELECT number, caption, image, is_plain, words,
    has_image AND CASE WHEN stem = '' THEN image_key(image) ELSE stem END
      IN (SELECT key FROM excluded) AS of_test,
    CASE WHEN NOT is_plain THEN judge(caption) END AS verdict,
  FROM known
), named AS (
  SELECT number, image,
    CASE
      WHEN of_test THEN 'test_image'
      WHEN NOT is_plain THEN verdict.reason
      WHEN words < $min_words THEN 'too_short'
      WHEN words > $max_words THEN 'too_long'
    END AS reason,
    CASE WHEN is_plain THEN caption ELSE verdict.text END AS caption,
    CASE WHEN NOT is_plain THEN verdict.key
      WHEN regexp_matches(caption, $ends) THEN rtrim(lower(caption), $trailing)
      ELSE lower(caption) END AS key,
  FROM judged
)
INSERT INTO staged
SELECT number, reason, if(usable, caption, NULL), if(usable, image, NULL),
  if(usable, md5_number(key), NULL)
FROM (SELECT *, reason IS NULL AS usable FROM named)
"""
# Of the rows of one key the first stays. Few keys have several, and these alone are joined.
_REPEATED = """
CREATE TABLE repeated AS
SELECT key, min(number) AS first FROM staged
WHERE reason IS NULL GROUP BY key HAVING count(*) > 1
"""
_DUPLICATES = """
SELECT number FROM staged JOIN repeated USING (key)
WHERE reason IS NULL AND number > first ORDER BY number
"""
# By number, since DuckDB promises no order of its own.
_USABLE = """
SELECT number, caption, image FROM staged
WHERE reason IS NULL AND number >= $start AND number < $stop ORDER BY number
"""


@dataclass(frozen=True)
class Limits:
    """Which captions are of use.

    Attributes:
        min_words: captions with fewer words have no three more general tiers.
        max_words: longest caption in words.
        max_characters: longest caption in characters.
    """

    min_words: int = 1
    max_words: int = 60
    max_characters: int = 300


def judge(caption: str | None, limits: Limits) -> tuple[str | None, str, str]:
    """Return why a caption is of no use (None where it is), its normal form, and its key."""
    if caption is None:
        return "empty", "", ""
    if len(caption) > 10 * limits.max_characters:
        return "too_long", "", ""  # before normalising: a megabyte of text costs nothing
    text = normalise(caption)
    count = len(words(text))
    if count == 0:
        reason = "empty"
    elif SEPARATOR in text:
        reason = "separator"
    elif names_an_image(text):
        reason = "address"
    elif count < limits.min_words:
        reason = "too_short"
    elif count > limits.max_words or len(text) > limits.max_characters:
        reason = "too_long"
    else:
        return None, text, text_key(text)
    return reason, text, ""


@contextmanager
def prepared_captions(
    parts: Iterable[Table], excluded_images: Iterable[str], limits: Limits
) -> Iterator[tuple[dict[str, int], Iterator["pa.Table"]]]:
    """Normalise captions, and leave out test images, unusable captions and duplicates.

    Duplicates are captions equal up to case, spacing and final punctuation; the first one stays.

    Args:
        parts: tables with the columns ``caption`` and ``image``.
        excluded_images: names of test images; compared by ``image_key``.
        limits: which captions are of use.

    Yields:
        How many rows ``entered``, were ``kept``, and were left out for each of ``REASONS``
        (``address``: the caption is an address or a file name); and the kept rows as Arrow tables
        of ``caption`` and ``image``, in the order of the parts, to be read within the block.

    Raises:
        InputError: there is no room for them in the temporary folder.
    """
    with open_database() as database:
        counts, duplicates = _stage(database, parts, excluded_images, limits)
        yield counts, _kept(database, counts["entered"], duplicates)


@contextmanager
def open_database() -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open an empty database in a temporary folder, which goes with it.

    It takes as many threads as other numerical libraries are told by OMP_NUM_THREADS.

    Raises:
        InputError: there is no room in the temporary folder.
    """
    import duckdb

    threads = os.environ.get("OMP_NUM_THREADS", "").strip() or str(os.cpu_count())
    with tempfile.TemporaryDirectory(prefix="captions-") as folder:
        config: dict[str, Any] = {
            "memory_limit": MEMORY,
            "threads": threads,
            "temp_directory": folder,
        }
        try:
            with duckdb.connect(Path(folder, "captions.db"), config=config) as database:
                yield database
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(str(error)) from None
        except duckdb.IOException as error:
            raise InputError(
                f"{folder}: captions cannot be held there ({error}); name another folder by TMPDIR"
            ) from None


def _stage(
    database: "duckdb.DuckDBPyConnection", parts: Iterable[Table], excluded: Iterable[str],
    limits: Limits,
) -> tuple[dict[str, int], np.ndarray]:  # fmt: skip
    """Fill the table ``staged`` with all rows; return counts, and the numbers of duplicates."""
    _define_functions(database, limits)
    database.execute(
        "CREATE TABLE staged "
        "(number BIGINT, reason VARCHAR, caption VARCHAR, image VARCHAR, key UHUGEINT)"
    )
    keys = sorted({image_key(name) for name in excluded})
    database.execute("CREATE TABLE excluded AS SELECT unnest($1::VARCHAR[]) AS key", [keys])
    settings = {
        **vars(limits), "plain": _PLAIN_CAPTION, "alone": _ALONE, "ends": f"[{_MARKS}]$",
        "trailing": f" {_MARKS}", "plain_image": _PLAIN_IMAGE, "any_excluded": bool(keys),
    }  # fmt: skip
    entered = 0
    for table in parts:
        database.register("part", _arrow(table.columns, entered))
        database.execute(_JUDGED, settings)
        entered += len(table)
    database.execute(_REPEATED)
    duplicates = database.execute(_DUPLICATES).fetchnumpy()["number"]
    found = dict(database.execute("SELECT reason, count(*) FROM staged GROUP BY reason").fetchall())
    kept = found.pop(None, 0) - len(duplicates)
    found["duplicate"] = len(duplicates)
    counts = {"entered": entered, **{name: found.get(name, 0) for name in REASONS}, "kept": kept}
    return counts, duplicates


def _kept(
    database: "duckdb.DuckDBPyConnection", entered: int, duplicates: np.ndarray
) -> Iterator["pa.Table"]:
    """Yield the usable rows but the duplicates, of ``BATCH_ROWS`` that entered at a time."""
    import pyarrow as pa

    for start in range(0, entered, BATCH_ROWS):
        rows = {"start": start, "stop": start + BATCH_ROWS}
        usable = database.sql(_USABLE, params=rows).to_arrow_table()
        again = np.isin(usable["number"].to_numpy(), _between(duplicates, **rows))
        yield usable.filter(pa.array(~again)).drop_columns("number")


def _between(rising: np.ndarray, start: int, stop: int) -> np.ndarray:
    return rising[slice(*np.searchsorted(rising, [start, stop]))]


def _define_functions(database: "duckdb.DuckDBPyConnection", limits: Limits) -> None:
    import pyarrow as pa

    verdict = pa.struct([(name, pa.string()) for name in ("reason", "text", "key")])

    def judge_all(captions: Any) -> Any:
        verdicts = [judge(caption, limits) for caption in captions.to_pylist()]
        columns = [pa.array(each, pa.string()) for each in zip(*verdicts, strict=True)]
        return pa.StructArray.from_arrays(columns, fields=list(verdict))

    def key_all(images: Any) -> Any:
        return pa.array([image_key(image) for image in images.to_pylist()], pa.string())

    text = "VARCHAR"
    kinds: dict[str, Any] = {"type": "arrow", "null_handling": "special"}
    database.create_function(
        "judge", judge_all, [text], "STRUCT(reason VARCHAR, text VARCHAR, key VARCHAR)", **kinds
    )
    database.create_function("image_key", key_all, [text], text, **kinds)


def _arrow(columns: Mapping[str, Iterable[Cell]], start: int) -> Any:
    import pyarrow as pa

    texts = {name: _texts(list(columns[name])) for name in ("caption", "image")}
    numbers = np.arange(start, start + len(texts["caption"]))
    return pa.table({"number": numbers, **texts})


def _texts(cells: list[Cell]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # a half of a surrogate pair, which normalising removes
        whole = [cell and cell.encode("utf-8", "ignore").decode() for cell in cells]
        return pa.array(whole, pa.string())
