"""Files of weights as people have them: what they are, why they cannot be read, names in wrappers.

Tensors and plain values are all that is ever taken from a file. Of the other objects that training
scripts leave beside the weights, the common harmless ones are read as empty stand-ins; none of
their own code runs.
"""

import errno
import json
import os
import re
import warnings
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hierarcaps.runtime.errors import InputError, one_line

TORCH_SUFFIXES = (".pt", ".pth", ".bin")
_POINTER = b"version https://git-lfs."
_LONGEST_HEADER = 100_000_000  # of a safetensors file
_SMALL_FILES = ("*.json", "*.txt", "*.model")
# Beside the weights of a training checkpoint: its loss, its step, its options, its folder.
_HARMLESS = (
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core")
      for name in ("scalar", "_reconstruct")),
    "numpy.dtype",
    "numpy.ndarray",
    *(f"pathlib.{local}{kind}Path" for local in ("", "_local.")
      for kind in ("Posix", "Windows", "PurePosix", "PureWindows")),
    "argparse.Namespace",
    "torch.torch_version.TorchVersion",
)  # fmt: skip
_OBJECT = re.compile(r"(?:GLOBAL|[Cc]lass) ([\w.]+)")
_COMPILED = "_orig_mod."
_WRAPPERS = re.compile(r"((module|model)\.)*")


class _StandIn:
    """What an object of another class is read as: nothing of it is kept."""

    def __new__(cls, *args: object) -> "_StandIn":
        return super().__new__(cls)

    def __init__(self, *args: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


@contextmanager
def stand_ins() -> Iterator[None]:
    """Let ``torch.load(weights_only=True)`` go past harmless objects beside the tensors.

    An attacker gains nothing by their names: each is an empty stand-in, not the class itself.
    """
    import torch

    with warnings.catch_warnings():
        # Of files that are then refused in words of our own.
        warnings.filterwarnings("ignore", "'torch.load' received a zip|Detected pickle protocol")
        with torch.serialization.safe_globals([(_StandIn, name) for name in _HARMLESS]):
            yield


def read_state(path: Path) -> dict[str, Any]:
    """Return the state dict of a file; a training checkpoint keeps it under a name of its own.

    Raises:
        InputError: the file cannot be read, or holds no state dict.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with stand_ins():
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch raises whatever its reader of untrusted files raises.
        raise InputError(f"{path}: {why_unreadable(path, error)}") from None
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    state = dict(content) if isinstance(content, Mapping) else {}
    other = [key for key, value in state.items() if not isinstance(value, torch.Tensor)]
    if other or not state:
        found = f" ({other[0]!r} is no tensor)" if other else ""
        raise InputError(
            f"{path}: found no state dict{found}, expected one, or one under 'state_dict' or "
            "'model'"
        )
    return state


def renaming(expected: Iterable[str], found: Iterable[str]) -> dict[str, str] | None:
    """Return what turns names of weights in wrappers into those of the model itself.

    ``torch.compile`` puts ``_orig_mod.`` before a module's names, DistributedDataParallel
    ``module.``, and a module that holds the model, as Lightning's, ``model.``.

    Args:
        expected: names of the model itself, some of which the file must have.
        found: the names in the file.

    Returns:
        Regular expressions and their replacements, to be applied in turn; None where not all names
        are in the same wrapper, or none of them is expected.
    """
    found, expected = set(found), set(expected)
    plain = {name.replace(_COMPILED, "") for name in found}
    wrappers = _WRAPPERS.match(min(plain, default=""))
    parts = wrappers[0].split(".") if wrappers else []
    for depth in range(len(parts)):
        prefix = "".join(f"{part}." for part in parts[:depth])
        inner = {name.removeprefix(prefix) for name in plain if name.startswith(prefix)}
        if len(inner) == len(plain) and inner & expected and inner != found:
            return {re.escape(_COMPILED): "", f"^{re.escape(prefix)}": ""}
    return None


def renamed(state: Mapping[str, Any], rules: Mapping[str, str]) -> dict[str, Any]:
    """Return a state dict under the names that :func:`renaming` makes of its own."""
    result = {}
    for name, value in state.items():
        for pattern, replacement in rules.items():
            name = re.sub(pattern, replacement, name)
        result[name] = value
    return result


def refuse_pointers(folder: Path) -> None:
    """Refuse a folder whose vocabulary or settings are still with Git LFS.

    A vocabulary of the three lines of a pointer would be read as one.

    Raises:
        InputError: a small file of the folder is a pointer.
    """
    for pattern in _SMALL_FILES:
        for path in sorted(folder.glob(pattern)):
            if _is_pointer(path):
                raise InputError(f"{path}: {why_unreadable(path)}")


def why_unreadable(path: Path, error: Exception | None = None) -> str:
    """Return why a weights file, or a folder of them, could not be read, and what to do.

    Args:
        path: what was read.
        error: what its reader raised, quoted where the file itself shows no cause.
    """
    if path.is_dir():
        for file in _weights_of(path):
            if cause := _cause(file, error):
                return f"{file.name} {cause}"
        return _quoted(error)
    return _cause(path, error) or f"cannot be read ({_quoted(error)})"


def _quoted(error: Exception | None) -> str:
    """Return the reader's words, without torch's advice to unpickle whatever is there."""
    if error is None:
        return "no cause found"
    if "weights_only" in str(error):
        return "not a file of tensors and plain values"
    return one_line(error)


def _weights_of(folder: Path) -> list[Path]:
    """Return the files that may hold weights; torch's count only where there are no others."""
    for suffixes in ((".safetensors",), TORCH_SUFFIXES, (".gguf",)):
        if found := sorted(each for each in folder.iterdir() if each.suffix in suffixes):
            return found
    return []


def _is_pointer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False  # its reader says so


def _cause(path: Path, error: Exception | None) -> str | None:
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as closed:
        return f"cannot be read ({os.strerror(closed.errno or errno.EIO)})"
    if not start:
        return "is empty: copy or download it again"
    if start.startswith(_POINTER):
        return "is a pointer of Git LFS, not the file itself: fetch it with 'git lfs pull'"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a web page, not a file of weights: download it again"
    if start.startswith(b"PK"):
        return _cause_in_archive(path, error)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _LONGEST_HEADER:
        return _cause_in_safetensors(path)
    if path.suffix == ".safetensors":
        return "is no whole safetensors file: copy or download it again"
    return _objects(_named_in(error))


def _cause_in_safetensors(path: Path) -> str | None:
    if path.suffix != ".safetensors":
        return "is a safetensors file under another name: let its name end in .safetensors"
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size - 8:
            return _cut_off(path, 8 + length)
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for entry in header.values() if "dtype" in entry]
        except (ValueError, LookupError, TypeError, AttributeError):
            return "is no whole safetensors file: copy or download it again"
    expected = 8 + length + max(ends, default=0)
    return _cut_off(path, expected) if path.stat().st_size < expected else None


def _cut_off(path: Path, expected: int) -> str:
    return (
        f"is cut off, {path.stat().st_size:,} bytes of at least {expected:,}: copy or download "
        "it again"
    )


def _cause_in_archive(path: Path, error: Exception | None) -> str | None:
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return "is cut off or damaged: copy or download it again"
    if path.suffix == ".safetensors":
        return "is a file of torch under another name: let its name end in .pt"
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "is a TorchScript archive, which brings code of its own and is not run here: save "
            "torch.jit.load(...).state_dict() where it is trusted, or name a published tag "
            "(OpenAI's CLIPs are 'openai')"
        )
    if not any(name.endswith("/data.pkl") for name in names):
        return "is no checkpoint of torch: expected a state dict saved by torch.save"
    try:
        found = set(get_unsafe_globals_in_checkpoint(path)) - set(_HARMLESS)
    except Exception:  # whatever an untrusted pickle makes of its reader
        found = set(_named_in(error))
    return _objects(found)


def _named_in(error: Exception | None) -> list[str]:
    """Return the object at which torch's restricted unpickler stopped."""
    return _OBJECT.findall(str(error))[:1] if "weights_only" in str(error) else []


def _objects(names: Collection[str]) -> str | None:
    if not names:
        return None
    return (
        f"holds objects besides tensors and plain values ({', '.join(sorted(names)[:3])}), which "
        "are never unpickled here: save the state dict alone where the file is trusted"
    )
