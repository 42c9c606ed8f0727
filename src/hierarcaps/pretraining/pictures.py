"""The pictures of drawn scenes as small pixels: decoded once for all variants, without torch."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from hierarcaps.data.decoding import decode_image
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path
from hierarcaps.runtime.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa


def write_pixels(path: Path, image_size: int, pixels: str | Path) -> None:
    """Write a split's pictures, scaled, as a NumPy file (N, 3, S, S) uint8, S = image_size.

    Raises:
        InputError: unreadable file, missing column, or broken picture.
    """
    with atomic_path(pixels) as partial, partial.open("wb") as file:
        np.save(file, scaled_pictures(path, image_size))


def scaled_pictures(path: Path, image_size: int) -> np.ndarray:
    """Return a split's pictures, decoded and scaled, (N, 3, S, S) uint8, S = image_size.

    Raises:
        InputError: unreadable file, missing column, or broken picture.
    """
    pictures = (
        _scaled(content.as_py(), image_size, f"{path}, row {row}").transpose(2, 0, 1)
        for row, content in enumerate(column_of(path, "image"), start=1)
    )
    # Not by way of a list, beside which the array would be a second copy of all of them.
    return np.fromiter(pictures, np.dtype((np.uint8, (3, image_size, image_size))))


def column_of(path: Path, column: str) -> "Iterator[pa.Scalar]":
    """Yield the values of a column of scenes, a part of the file in memory at a time.

    Raises:
        InputError: unreadable file, or a column is missing, that of pictures included.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        missing = [name for name in ("image", column) if name not in file.schema_arrow.names]
        if missing:
            raise InputError(f"{path}: column {missing[0]!r} is missing, expected drawn scenes")
        batches = file.iter_batches(1000, columns=[column])
        values = (value for batch in batches for value in batch.column(column))
        what = f"reading {column} of {Path(path).name}"
        yield from progress(values, what, total=file.metadata.num_rows)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: not a readable Parquet file of scenes ({reason})") from None


def _scaled(content: bytes | None, size: int, label: str) -> np.ndarray:
    image = decode_image(io.BytesIO(content or b""), label)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
