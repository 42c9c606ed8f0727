"""Atomic outputs, stable JSON and content hashes."""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hierarcaps.runtime.errors import InputError

# What a user can correct: room on the disk, permissions, a file where a folder should be.
_UNWRITABLE = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM,
    errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a path beside ``path``; move it to ``path`` when the block succeeds.

    The suffix is kept (``.partial-1-x.csv``), since many writers choose the format by it. After an
    exception neither ``path`` nor the temporary file is left behind; what a killed process left
    goes when the same path is written again.

    Raises:
        InputError: there is no room for the file, or its folder cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path)
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if error.errno not in _UNWRITABLE or not _concerns(error, path.parent):
            raise
        raise InputError(f"{path}: cannot be written ({os.strerror(error.errno)})") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _remove_left(path: Path) -> None:
    own = re.compile(r"\.partial-(\d+)-" + re.escape(path.name))
    for file in path.parent.iterdir():
        found = own.fullmatch(file.name)
        if found and not _lives(int(found[1])):
            file.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    """Whether another process of this machine is at work, on the same file at the same time."""
    if process == os.getpid() or os.name != "posix":  # elsewhere, os.kill would end it
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def _concerns(error: OSError, folder: Path) -> bool:
    """Whether an error in the block can be about the file: writers often do not name it."""
    if error.filename is None:
        return True
    # Of a copy, the second is what was written.
    named = Path(os.fsdecode(error.filename2 or error.filename))
    return named.parent == folder or named in (folder, *folder.parents)


def publish(files: Iterable[Path], folder: Path, last: str = "*.safetensors") -> None:
    """Put copies of files into a folder, each whole or not at all; ``last`` is a pattern."""
    for file in sorted(files, key=lambda file: (file.match(last), file.name)):
        # Copied, not moved: safetensors makes files readable for their owner alone.
        with atomic_path(folder / file.name) as target:
            shutil.copyfile(file, target)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON with sorted keys and full float precision: equal content gives equal bytes."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def sha256_file(path: str | Path) -> str:
    """Return the hex SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_blob_hash(path: str | Path) -> str:
    """Return the hash (hex) by which git knows a file's content."""
    content = Path(path).read_bytes()
    # SHA-1 is git's choice, not one for security.
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def sha256_json(content: Any) -> str:
    """Return the hex SHA-256 of a JSON-serialisable object, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
