"""Images by name, from a folder of files or a Parquet file of encoded images."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from hierarcaps.runtime.errors import InputError


class ImageStore(Protocol):
    """Read-only mapping from a file name to a PIL image in RGB, decoded at each access."""

    def __getitem__(self, name: str) -> Image.Image: ...

    def __contains__(self, name: object) -> bool: ...

    def __len__(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        ...


def open_images(source: str | Path) -> ImageStore:
    """Open a folder of image files, or a Parquet file with the columns ``name`` and ``image``.

    Indexing raises InputError for a name that is absent and for a file that is no whole image.

    Raises:
        InputError: ``source`` does not exist, is of another kind, or has other columns.
    """
    source = Path(source)
    if source.is_dir():
        return _FolderImages(source)
    if not source.exists():
        raise InputError(f"{source}: no such images, expected a folder or a .parquet file")
    if source.suffix != ".parquet":
        raise InputError(f"{source}: not a source of images, expected a folder or a .parquet file")
    return _ParquetImages(source)


class _FolderImages:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = frozenset(path.name for path in folder.iterdir() if path.is_file())

    def __getitem__(self, name: str) -> Image.Image:
        # Only names that the folder itself lists are opened: a table's "../x" leads nowhere.
        if name not in self._names:
            raise InputError(f"{self._folder / name}: no such image file in this folder")
        path = self._folder / name
        return decode_image(path, str(path))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._names))


class _ParquetImages:
    def __init__(self, path: Path) -> None:
        self._path = path
        table = _read_table(path)
        self._images = table.column("image")
        self._row_of: Mapping[str, int] = {
            name: row for row, name in enumerate(table.column("name").to_pylist())
        }
        if len(self._row_of) != len(self._images):
            raise InputError(f"{path}: a name occurs twice in column 'name', expected unique names")

    def __getitem__(self, name: str) -> Image.Image:
        row = self._row_of.get(name)
        if row is None:
            raise InputError(f"{self._path}: has no image named {name!r}")
        return decode_image(io.BytesIO(self._images[row].as_py() or b""), f"{self._path}, {name!r}")

    def __contains__(self, name: object) -> bool:
        return name in self._row_of

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._row_of))


def _read_table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        for column, kind in (("name", pa.types.is_string), ("image", pa.types.is_binary)):
            if column not in schema.names or not kind(schema.field(column).type):
                raise InputError(
                    f"{path}: found columns {', '.join(schema.names)!r}, expected 'name' (text) "
                    "and 'image' (bytes of an encoded image)"
                )
        return pq.read_table(path, columns=["name", "image"])
    except (OSError, pa.ArrowException) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: not a readable Parquet file ({reason})") from None


def decode_image(file: Path | io.BytesIO, label: str) -> Image.Image:
    """Return an image file as a whole RGB image.

    Raises:
        InputError: truncated, or no image; the message begins with ``label``.
    """
    try:
        with Image.open(file) as image:
            return image.convert("RGB")
    except Image.UnidentifiedImageError:
        raise InputError(f"{label}: not an image, expected a JPEG, PNG or similar file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow raises SyntaxError and ValueError as well for broken PNG chunks.
        raise InputError(
            f"{label}: the image cannot be decoded ({error}); is it truncated?"
        ) from None
