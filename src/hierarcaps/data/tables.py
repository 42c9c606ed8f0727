"""Tables read strictly: each row as wide as the first, each cell a text, faults by their line.

A reader that fills up short rows, cuts long ones or takes a column for an index gives wrong
captions without a word. Here a table is right or refused, in a sentence that names the line.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hierarcaps.data.names import names_an_image
from hierarcaps.runtime.errors import InputError

Cell = str | None
SHOWN = 40  # characters of a cell in a sentence
PART_ROWS = 1 << 16  # that are held as texts at a time, where a table is read in parts


@dataclass(frozen=True)
class Table:
    """Some columns of a table.

    Attributes:
        path: the file.
        columns: name -> its N cells; a cell is a text, or None where Parquet has a null.
        places: per row, its line in a text file or its number in a Parquet file, from 1.
        unit: ``line`` or ``row``, what ``places`` count.
    """

    path: Path
    columns: Mapping[str, Sequence[Cell]]
    places: Sequence[int]
    unit: str

    def __len__(self) -> int:
        return len(self.places)

    def where(self, index: int) -> str:
        """Return file and line of a row, for a sentence."""
        return f"{self.path}, {self.unit} {self.places[index]}"


def read_table(
    path: str | Path, columns: Sequence[str], optional: Sequence[str] = (), what: str = "table"
) -> Table:
    """Read columns of a Parquet file, or of a text file with a header row.

    Fields are separated by commas, in a ``.tsv`` file by tabs; ``.gz`` behind it is unpacked. A
    field with a separator, a quote or a line break stands in quotes, quotes in it are doubled.

    Args:
        path: the file.
        columns: names that must be there.
        optional: names that may be there.
        what: what the table holds, for sentences.

    Raises:
        InputError: no such file, not UTF-8 text, a column that is missing or there twice, a row of
            another width than the header, a quote out of place, or a column that holds no texts.
    """
    return join(read_table_parts(path, columns, optional, what))


def read_table_parts(
    path: str | Path, columns: Sequence[str], optional: Sequence[str] = (), what: str = "table"
) -> Iterator[Table]:
    """Yield what :func:`read_table` reads, ``PART_ROWS`` rows at a time; at least one part.

    Raises:
        InputError: as :func:`read_table`, when the fault is come to.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        yield from _parquet_parts(path, columns, optional, what)
        return
    rows = read_rows(path, what=what)
    header = [name.strip() for name in next(rows, (0, []))[1]]
    wanted = _check_header(path, header, columns, optional)
    at_first = True
    while (part := list(islice(rows, PART_ROWS))) or at_first:
        at_first = False
        found = {name: [row[place] for _, row in part] for name, place in wanted.items()}
        yield Table(path, found, [line for line, _ in part], "line")


def join(parts: Iterable[Table]) -> Table:
    """Return the parts of one file, of which there is at least one, as one table."""
    first, *others = parts
    columns = {name: list(cells) for name, cells in first.columns.items()}
    places = list(first.places)
    for part in others:
        places += part.places
        for name, cells in part.columns.items():
            columns[name] += cells
    return Table(first.path, columns, places, first.unit)


def read_rows(
    path: str | Path, separator: str | None = None, what: str = "table"
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it begins, cells) of each row that is not blank, the first included.

    Raises:
        InputError: as :func:`read_table`.
    """
    path = Path(path)
    separator = separator or ("\t" if ".tsv" in path.suffixes else ",")
    with open_text(path, what) as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        width, line = None, 1
        try:
            for cells in reader:
                if cells:
                    width = width or len(cells)
                    if len(cells) != width:
                        raise InputError(
                            f"{path}, line {line}: found {len(cells)} fields, expected {width} as "
                            "in the first row; a text with a separator in it must be quoted"
                        )
                    if reader.line_num > line:
                        _check_line_breaks(path, line, cells, separator)
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(
                f"{path}, line {line}: not a valid table row ({error}), expected fields of "
                "which those with quotes are quoted, the quotes in them doubled"
            ) from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: not a CSV file, expected UTF-8 text") from None
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read ({error}), is it truncated?") from None


def read_plain_rows(path: str | Path, what: str = "table") -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of a file without quotes: a tab parts cells, a line feed rows.

    Raises:
        InputError: no such file, or not UTF-8 text.
    """
    path = Path(path)
    try:
        with open_text(path, what, newline="\n") as file:
            for line, text in enumerate(file, start=1):
                if text := text.rstrip("\r\n"):
                    yield line, text.split("\t")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a table, expected UTF-8 text") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}), is it truncated?") from None


def open_text(path: Path, what: str, newline: str = "") -> io.TextIOWrapper:
    """Open a text file, unpacked where its name ends in ``.gz``, without a byte order mark."""
    try:
        file: Any = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected a {what}") from None
    except OSError as error:
        raise InputError(f"{path}: not a readable {what} ({error.strerror})") from None
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)


def shorten(text: Any) -> str:
    """Return a text in quotes, cut for a sentence and on one line."""
    text = text if isinstance(text, str) else repr(text)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def _check_header(
    path: Path, header: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Return the place of each column that is wanted and there."""
    if not header:
        raise InputError(f"{path}: the file is empty, expected a header with {', '.join(columns)}")
    found = ", ".join(name[:SHOWN] for name in header[:8])
    for name in columns:
        if name not in header:
            hint = ""
            for mark, said in ((";", "semicolons"), ("\t", "tabs")):
                if len(header) == 1 and mark in header[0]:
                    hint = f"; the fields are parted by {said}, expected commas (tabs in .tsv)"
            raise InputError(
                f"{path}: no column {name!r}; found {found!r}, expected {', '.join(columns)}{hint}"
            )
    wanted = [name for name in dict.fromkeys((*columns, *optional)) if name in header]
    for name in wanted:
        if header.count(name) > 1:
            raise InputError(f"{path}: column {name!r} is there twice; found {found!r}")
    return {name: header.index(name) for name in wanted}


def _check_line_breaks(path: Path, line: int, cells: Sequence[str], separator: str) -> None:
    """Raise InputError where a quote that was never closed has swallowed the rows after it."""
    for cell in cells:
        for inner in re.split(r"[\r\n]+", cell)[1:]:
            if any(names_an_image(part) for part in inner.split(separator)):
                raise InputError(
                    f"{path}, line {line}: the quoted text holds {shorten(inner)}, which looks "
                    "like the next row; is a quote too many or not closed?"
                )


def _parquet_parts(
    path: Path, columns: Sequence[str], optional: Sequence[str], what: str
) -> Iterator[Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = parquet_schema(path, what)
    wanted = list(_check_header(path, schema.names, columns, optional))
    for name in wanted:
        _check_text_column(path, name, schema.field(name).type)
    done = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(PART_ROWS, columns=wanted):
                found = {name: batch.column(name).to_pylist() for name in wanted}
                places = range(done + 1, done + 1 + len(batch))
                done = places.stop - 1
                yield Table(path, found, places, "row")
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable {what} ({_first_line(error)})") from None
    if not done:
        yield Table(path, {name: [] for name in wanted}, range(0), "row")


def parquet_schema(path: Path, what: str) -> Any:
    """Return the Arrow schema of a Parquet file.

    Raises:
        InputError: no such file, or no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a {what}")
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable Parquet file ({_first_line(error)})") from None


def read_parquet_columns(path: Path, columns: Sequence[str], what: str) -> Any:
    """Return an Arrow table of some columns.

    Raises:
        InputError: the file is broken.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable {what} ({_first_line(error)})") from None


def text_column(path: Path, table: Any, name: str) -> list[Cell]:
    """Return a column of an Arrow table as texts, nulls as None; nulls alone pass.

    Raises:
        InputError: it holds something else.
    """
    column = table.column(name)
    _check_text_column(path, name, column.type)
    return column.to_pylist()


def _check_text_column(path: Path, name: str, kind: Any) -> None:
    if not is_text(kind) and not is_null(kind):
        raise InputError(f"{path}: column {name!r} holds {kind}, expected texts")


def is_text(kind: Any) -> bool:
    """Return whether an Arrow type, or None, holds texts: plain, large, views or categories."""
    from pyarrow import types

    if kind is None:
        return False
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def is_list_of_texts(kind: Any) -> bool:
    """Return whether an Arrow type holds lists of texts."""
    from pyarrow import types

    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    return any(check(kind) for check in lists) and is_text(kind.value_type)


def is_whole_number(kind: Any) -> bool:
    """Return whether an Arrow type holds whole numbers."""
    from pyarrow import types

    return types.is_integer(kind)


def is_null(kind: Any) -> bool:
    """Return whether an Arrow type holds nulls alone."""
    from pyarrow import types

    return types.is_null(kind)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
