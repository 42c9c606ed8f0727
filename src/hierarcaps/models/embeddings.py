"""The embeddings of one model on one test set, as a file that needs no deep-learning library.

This is what the probing tasks read: computed once per checkpoint, then only numpy.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.geometry.spaces import (
    Geometry,
    Sphere,
    describe,
    equal_rows,
    from_description,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

# One entry, since safetensors does not keep the order of several: equal content, equal bytes.
_METADATA_KEY = "hierarcaps"


@dataclass(frozen=True)
class Embeddings:
    """Vectors of a test set's images and texts: unit vectors where the geometry is the sphere.

    Attributes:
        images: (I, D) float32, one row per name.
        texts: (U, D) float32, one row per string.
        root: (D,) float32, the entailment root.
        names: I image names, unique.
        strings: U distinct captions, sorted.
        provenance: what was loaded to compute them (JSON).
        geometry: how the model measures them.
    """

    images: np.ndarray
    texts: np.ndarray
    root: np.ndarray
    names: tuple[str, ...]
    strings: tuple[str, ...]
    provenance: dict[str, Any]
    geometry: Geometry = field(default_factory=Sphere)

    @cached_property
    def _image_row(self) -> dict[str, int]:
        return dict(zip(self.names, equal_rows(self.images).tolist(), strict=True))

    @cached_property
    def _text_row(self) -> dict[str, int]:
        return dict(zip(self.strings, equal_rows(self.texts).tolist(), strict=True))

    def image_rows(self, names: Iterable[str]) -> np.ndarray:
        """Return the rows of ``images`` for these names, (N,) int64.

        Equal embeddings have one row, the first: what is computed of it once is equal for all.

        Raises:
            InputError: a name that was not embedded.
        """
        return _rows(self._image_row, names, "image")

    def text_rows(self, strings: Iterable[str]) -> np.ndarray:
        """Return the rows of ``texts`` for these captions, (N,) int64, as ``image_rows``.

        Raises:
            InputError: a caption that was not embedded.
        """
        return _rows(self._text_row, strings, "caption")


def _rows(row_of: dict[str, int], keys: Iterable[str], what: str) -> np.ndarray:
    try:
        return np.array([row_of[key] for key in keys], dtype=np.int64)
    except KeyError as error:
        raise InputError(
            f"{what} {error.args[0]!r} has no embedding, expected one of the {len(row_of)} embedded"
        ) from None


def write_embeddings(path: str | Path, embeddings: Embeddings) -> None:
    """Write ``embeddings`` to a safetensors file; equal content gives equal bytes."""
    from safetensors.numpy import save

    metadata = {
        "names": embeddings.names,
        "texts": embeddings.strings,
        "provenance": embeddings.provenance,
        "geometry": describe(embeddings.geometry),
    }
    tensors = {
        name: np.ascontiguousarray(getattr(embeddings, name), dtype=np.float32)
        for name in ("images", "texts", "root")
    }
    with atomic_path(path) as partial:
        # Not save_file: it makes the file readable for its owner alone.
        partial.write_bytes(save(tensors, {_METADATA_KEY: json.dumps(metadata, sort_keys=True)}))


def read_embeddings(path: str | Path) -> Embeddings:
    """Read a file of :func:`write_embeddings`; vectors come into memory where they are used.

    Its arrays are the file's own, and cannot be written to. A file that is written again is another
    one: what was read stays as it was.

    Raises:
        InputError: missing, truncated or foreign file, or shapes that contradict each other.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy"):
            pass  # it is whole, and its layout is consistent
        metadata, tensors = _mapped(path)
        images, texts, root = (tensors[name] for name in ("images", "texts", "root"))
        # Files of before there was a choice are of the sphere.
        geometry = from_description(metadata.get("geometry", describe(Sphere())))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected embeddings (safetensors)") from None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: not a whole file of embeddings ({reason})") from None
    embeddings = Embeddings(
        images,
        texts,
        root,
        tuple(metadata["names"]),
        tuple(metadata["texts"]),
        metadata["provenance"],
        geometry,
    )
    expected = [(len(embeddings.names), root.size), (len(embeddings.strings), root.size)]
    if [images.shape, texts.shape] != expected:
        raise InputError(
            f"{path}: found images of shape {images.shape} and texts of shape {texts.shape}, "
            f"expected {expected[0]} and {expected[1]}"
        )
    return embeddings


def _mapped(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the metadata of a safetensors file, and its tensors (float32) mapped from it.

    The format: eight bytes for the length of the header, the header (JSON), the tensors' bytes.
    """
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    metadata = json.loads(header.pop("__metadata__", {})[_METADATA_KEY])
    if kinds := {each["dtype"] for each in header.values()} - {"F32"}:
        raise ValueError(f"numbers of type {min(kinds)}, expected F32")
    data = np.memmap(path, np.uint8, "r", 8 + length).view(np.ndarray)
    tensors = {
        name: data[slice(*each["data_offsets"])].view(np.float32).reshape(each["shape"])
        for name, each in header.items()
    }
    return metadata, tensors
