"""Images by name, from a folder of files or a Parquet file of encoded images."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from hierarcaps.data.decoding import decode_image
from hierarcaps.data.names import SUFFIXES, NameIndex, file_name, is_company
from hierarcaps.data.tables import (
    is_text,
    parquet_schema,
    read_parquet_columns,
    text_column,
)
from hierarcaps.runtime.errors import InputError


class ImageStore(Protocol):
    """Read-only mapping from a file name to a PIL image in RGB, decoded at each access.

    A name is found in any spelling that can mean one file alone (``names.NameIndex``).
    """

    def __getitem__(self, name: str) -> Image.Image: ...

    def __contains__(self, name: object) -> bool: ...

    def __len__(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in a fixed order."""
        ...


def open_images(source: str | Path) -> ImageStore:
    """Open a folder of image files, or a Parquet file with the columns ``name`` and ``image``.

    What programs leave in folders (``.DS_Store``, ``Thumbs.db``) is no image. In Parquet, names are
    texts of any Arrow type, images are bytes, or records of ``bytes`` and ``path`` as on the hub;
    without a column ``name`` the file name in ``path`` is taken.

    Indexing raises InputError for a name that is absent and for a file that is no whole image.

    Raises:
        InputError: ``source`` does not exist, is of another kind, or has other columns; a name that
            is null or occurs twice.
    """
    source = Path(source)
    if source.is_dir():
        return _FolderImages(source)
    if not source.exists():
        raise InputError(f"{source}: no such images, expected a folder or a .parquet file")
    if source.suffix != ".parquet":
        raise InputError(f"{source}: not a source of images, expected a folder or a .parquet file")
    return _ParquetImages(source)


def open_image_files(paths: Iterable[str | Path]) -> ImageStore:
    """Open image files by their paths; a folder stands for the images that lie in it.

    Of a folder what is no image by its suffix is left out. Names are the paths as they were given,
    each once, in their order.

    Raises:
        InputError: a path that does not exist, or a folder without images.
    """
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        found = [path]
        if path.is_dir():
            named = (each for each in sorted(path.iterdir()) if each.is_file())
            found = [
                each
                for each in named
                if each.name.casefold().endswith(SUFFIXES) and not is_company(each.name)
            ]
            if not found:
                raise InputError(f"{path}: found no images in this folder")
        elif not path.exists():
            raise InputError(f"{path}: no such image, expected a file or a folder")
        files |= {str(each): each for each in found}
    return _ImageFiles(files)


class _ImageFiles:
    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> Image.Image:
        return decode_image(self._files[name], name)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __len__(self) -> int:
        return len(self._files)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)


class _Named:
    """What the two kinds of stores share: names, found in any spelling."""

    _index: NameIndex

    def __contains__(self, name: object) -> bool:
        return self._index.find(name) is not None

    def __len__(self) -> int:
        return len(self._index)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._index)


class _FolderImages(_Named):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = NameIndex(
            path.name for path in folder.iterdir() if path.is_file() and not is_company(path.name)
        )

    def __getitem__(self, name: str) -> Image.Image:
        # Only names that the folder itself lists are opened: a table's "../x" leads nowhere.
        found = self._index.find(name)
        if found is None:
            near = self._index.near(name)
            raise InputError(f"{self._folder / name}: no such image file in this folder{near}")
        path = self._folder / found
        return decode_image(path, str(path))


class _ParquetImages(_Named):
    def __init__(self, path: Path) -> None:
        self._path = path
        names, self._images = _read_parquet(path)
        self._row_of: dict[str, int] = {}
        for row, name in enumerate(names):
            if not name:
                raise InputError(f"{path}, row {row + 1}: has no name, expected one for each image")
            if name in self._row_of:
                raise InputError(
                    f"{path}, row {row + 1}: name {name!r} occurs twice, first in row "
                    f"{self._row_of[name] + 1}, expected unique names"
                )
            self._row_of[name] = row
        self._index = NameIndex(self._row_of)

    def __getitem__(self, name: str) -> Image.Image:
        found = self._index.find(name)
        if found is None:
            near = self._index.near(name)
            raise InputError(f"{self._path}: has no image named {name!r}{near}")
        content = self._images[self._row_of[found]].as_py()
        if content is None:
            raise InputError(f"{self._path}, {found!r}: the image is null, expected its bytes")
        return decode_image(io.BytesIO(content), f"{self._path}, {found!r}")


def _read_parquet(path: Path) -> tuple[list[str | None], Any]:
    """Return the names and the Arrow column of encoded images."""
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = parquet_schema(path, "Parquet file of images")
    columns = [column for column in ("name", "image") if column in schema.names]
    kinds = {column: schema.field(column).type for column in columns}
    image = kinds.get("image")
    fields: dict[str, Any] = {}
    if image is not None and pa.types.is_struct(image):
        fields = {field.name: field.type for field in image}
    has_names = is_text(kinds["name"]) if "name" in kinds else is_text(fields.get("path"))
    if not has_names or not _is_bytes(fields.get("bytes", image)):
        found = ", ".join(f"{name} ({schema.field(name).type})" for name in schema.names[:8])
        raise InputError(
            f"{path}: found columns {found!r}, expected 'name' (text) and 'image' (bytes of an "
            "encoded image, or a record of bytes and path)"
        )
    table = read_parquet_columns(path, columns, "Parquet file of images")
    images = table.column("image")
    if "name" in kinds:
        names = text_column(path, table, "name")
    else:
        paths = pc.struct_field(images, "path").to_pylist()
        names = [None if each is None else file_name(each) for each in paths]
    return names, pc.struct_field(images, "bytes") if fields else images


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    checks = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return kind is not None and any(check(kind) for check in checks)
