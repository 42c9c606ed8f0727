"""Where radii start: the root of a model's embeddings, and the file of an aligned one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from hierarcaps.geometry.spaces import ROOTS, Geometry, Lorentz, Sphere
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json

ROOT_FILE = "root.json"
_SUFFIX = ".json"


def find_root(
    root: str | None, geometry: Geometry, empty: np.ndarray, texts: np.ndarray
) -> tuple[Geometry, np.ndarray]:
    """Return the geometry with its root's name, and the root, (D,) float32.

    A hyperboloid has its root at the vertex. On the sphere the default is the empty string.

    Args:
        root: ``empty``, the empty string; ``mean``, the normalised mean of the texts; ``origin``;
            or a file of :func:`write_root`, the root that a model was aligned with. None is the
            geometry's own.
        geometry: of the model.
        empty: (D,), the embedding of the empty string.
        texts: (N, D).

    Raises:
        InputError: a root that the geometry does not have, or an unreadable file.
    """
    if isinstance(geometry, Lorentz):
        if root and root != "origin":
            raise InputError(f"root is {root!r}, expected origin: that of a hyperboloid")
        return geometry, np.zeros_like(empty)
    name, vector = (root or "empty"), None
    if name.endswith(_SUFFIX):
        name, vector = read_root(name)
    if vector is not None:
        if vector.shape != empty.shape:
            raise InputError(
                f"{root}: found a root of {vector.size} numbers, expected {empty.size}"
            )
    elif name == "empty":
        vector = empty
    elif name == "mean":
        vector = geometry.mean(texts[None])[0]
    elif name == "origin":
        vector = np.zeros_like(empty)
    else:
        raise InputError(
            f"root is {name!r}, expected one of empty, mean, origin, or a file of an aligned root"
        )
    if isinstance(geometry, Sphere):
        geometry = replace(geometry, root=name)
    return geometry, vector


def write_root(path: str | Path, name: str, vector: np.ndarray | None) -> None:
    """Write the root that a model was aligned with.

    Args:
        path: the file.
        name: one of ``ROOTS``.
        vector: (D,); None for the empty string, whose embedding is the model's to compute.
    """
    write_json(path, {"root": name, "vector": None if vector is None else vector.tolist()})


def read_root(path: str | Path) -> tuple[str, np.ndarray | None]:
    """Return the name and the vector, (D,) float32, of :func:`write_root`.

    Raises:
        InputError: unreadable, or no such file.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable file of a root ({error})") from None
    if not isinstance(content, Mapping) or content.get("root") not in ROOTS:
        raise InputError(f"{path}: found no 'root', expected one of {', '.join(ROOTS)}")
    vector = content.get("vector")
    if vector is None:
        return content["root"], None
    found = np.array(vector, dtype=np.float32)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise InputError(f"{path}: 'vector' is not a list of finite numbers")
    return content["root"], found
