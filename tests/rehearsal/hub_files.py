"""What a hub knows of the files of its repositories: hashes, sizes, and which are large."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

# What the hub keeps in large-file storage, and redirects to.
LARGE = (".safetensors", ".bin", ".pth", ".pt", ".gguf", ".h5", ".msgpack", ".model")


def commit_of(files: Mapping[str, Path]) -> str:
    """Return what stands for the commit of a repository: 40 hex digits, by its contents."""
    listed = "\n".join(f"{file} {hashes(path)[1]}" for file, path in files.items())
    return hashlib.sha1(listed.encode(), usedforsecurity=False).hexdigest()


def entry(file: str, path: Path) -> dict[str, Any]:
    """Return what the hub lists of a file at a place in its repository."""
    blob, sha256 = hashes(path)
    size = path.stat().st_size
    entry = {"type": "file", "oid": blob, "size": size, "path": file}
    if path.suffix in LARGE:
        entry["lfs"] = {"oid": sha256, "size": size, "pointerSize": 134}
    return entry


def hashes(path: Path) -> tuple[str, str]:
    """Return the hash by which git knows a file, and its SHA-256 (hex)."""
    about = path.stat()
    return _hashes_at(path, about.st_size, about.st_mtime_ns)


@cache
def _hashes_at(path: Path, size: int, changed: int) -> tuple[str, str]:
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while some := file.read(1 << 20):
            blob.update(some)
            sha256.update(some)
    return blob.hexdigest(), sha256.hexdigest()
