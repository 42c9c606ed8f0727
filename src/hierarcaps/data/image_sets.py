"""Sets of images beside the test set: flat folders, folders of classes, CIFAR's binary files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hierarcaps.data.images import ImageStore, open_images
from hierarcaps.data.names import is_company
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file, sha256_json

CIFAR_SIDE = 32  # px
CIFAR_PIXELS = 3 * CIFAR_SIDE**2
# Test file; label bytes of a record, in their order (of CIFAR-100 the coarse label comes first).
CIFAR_LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "test_batch.bin": ("batches.meta.txt",),
    "test.bin": ("coarse_label_names.txt", "fine_label_names.txt"),
}

# CIFAR-10 has no coarse labels of its own: the usual two.
CIFAR10_VEHICLES = ("airplane", "automobile", "ship", "truck")
CIFAR10_ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")


@dataclass(frozen=True)
class ImageSet:
    """Some images of a source, under names that no other set has.

    Attributes:
        name: of the set; the first part of each image's name.
        source: a folder of images or of class folders, or one with CIFAR's binary files.
        files: the images' names within the source (``duck/1.png`` in class folders).
    """

    name: str
    source: str
    files: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names ``{set}/{file}`` under which the images are embedded."""
        return tuple(f"{self.name}/{file}" for file in self.files)

    def open(self) -> ImageStore:
        """Return the images by their ``names``."""
        return _Prefixed(self)


class _Prefixed:
    def __init__(self, image_set: ImageSet) -> None:
        self._file_of = dict(zip(image_set.names, image_set.files, strict=True))
        self._source = Path(image_set.source)
        self._cifar = _read_cifar(self._source) if is_cifar(self._source) else None
        self._folders: dict[Path, ImageStore] = {}

    def __getitem__(self, name: str) -> Image.Image:
        if name not in self._file_of:
            raise InputError(f"{self._source}: no image named {name!r} was asked for")
        file = self._file_of[name]
        if self._cifar is not None:
            return Image.fromarray(self._cifar.pixels[int(file)])
        path = self._source / file
        if path.parent not in self._folders:
            self._folders[path.parent] = open_images(path.parent)
        return self._folders[path.parent][path.name]

    def __contains__(self, name: object) -> bool:
        return name in self._file_of

    def __len__(self) -> int:
        return len(self._file_of)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._file_of)


def join_stores(image_sets: Sequence[ImageSet]) -> ImageStore | None:
    """Return one store of all images of all sets, or None where there is no set."""
    if not image_sets:
        return None
    files = tuple(file for each in image_sets for file in each.names)
    return _Joined(files, {each.name: each.open() for each in image_sets})


class _Joined:
    def __init__(self, names: tuple[str, ...], stores: Mapping[str, ImageStore]) -> None:
        self.names = names
        self._stores = stores
        self._known = frozenset(names)

    def __getitem__(self, name: str) -> Image.Image:
        return self._stores[name.split("/", 1)[0]][name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __len__(self) -> int:
        return len(self.names)


def labelled_files(source: str | Path) -> list[tuple[str, str]]:
    """Return (file, class) of each image of a source, sorted by class.

    The source has a folder for each class, or CIFAR's binary files (files are then numbers). What
    programs leave there (hidden files, ``__MACOSX``, ``Thumbs.db``) is neither class nor image.

    Raises:
        InputError: no such folder, no class in it, or a class without an image or with a folder.
    """
    source = Path(source)
    if not source.is_dir():
        raise InputError(f"{source}: no such folder, expected a folder of images for each class")
    if is_cifar(source):
        cifar = _read_cifar(source)
        return [(str(row), cifar.names[-1][label]) for row, label in enumerate(cifar.labels[:, -1])]
    rows = []
    for folder in sorted(path for path in _entries(source) if path.is_dir()):
        files = sorted(path.name for path in _entries(folder))
        for file in files:
            if not (folder / file).is_file():
                raise InputError(
                    f"{folder / file}: found a folder or a broken link among the images of a "
                    "class, expected image files alone"
                )
        if not files:
            raise InputError(
                f"{folder}: the class has no image; expected one or more, or no such folder"
            )
        rows += [(f"{folder.name}/{file}", folder.name) for file in files]
    if not rows:
        raise InputError(f"{source}: found no folder of a class, expected one for each class")
    return rows


def _entries(folder: Path) -> list[Path]:
    """Return what a folder holds, without what programs leave there."""
    return [path for path in folder.iterdir() if not is_company(path.name)]


def content_sha256(source: str | Path, files: Sequence[tuple[str, str]]) -> str:
    """Return a hash of what a set of labelled images is: names, classes and sizes of its files.

    Of CIFAR's binary files it is the hash of their content. Folders of images are told apart by
    their files' sizes, since to read all of ImageNet once more would take as long as embedding it.
    """
    source = Path(source)
    if is_cifar(source):
        return sha256_file(
            next(source / file for file in CIFAR_LAYOUTS if (source / file).is_file())
        )
    return sha256_json([[file, label, (source / file).stat().st_size] for file, label in files])


def is_cifar(source: str | Path) -> bool:
    """Return whether a folder holds CIFAR-10's or CIFAR-100's binary test file."""
    return any(Path(source, file).is_file() for file in CIFAR_LAYOUTS)


def cifar_superclasses(source: str | Path) -> dict[str, str]:
    """Return class -> super-class: CIFAR-100's own coarse labels; of CIFAR-10 animal or vehicle."""
    cifar = _read_cifar(Path(source))
    if len(cifar.names) == 1:
        above = dict.fromkeys(CIFAR10_ANIMALS, "animal")
        above |= dict.fromkeys(CIFAR10_VEHICLES, "vehicle")
        unknown = [name for name in cifar.names[0] if name not in above]
        if unknown:
            raise InputError(f"{source}: class {unknown[0]!r} is none of CIFAR-10's")
        return {name: above[name] for name in cifar.names[0]}
    coarse, fine = cifar.names
    return {fine[label]: coarse[above] for above, label in np.unique(cifar.labels, axis=0)}


def _cifar_file(source: Path) -> str:
    return next(file for file in CIFAR_LAYOUTS if (source / file).is_file())


@dataclass(frozen=True)
class _Cifar:
    pixels: np.ndarray  # (N, 32, 32, 3) uint8
    labels: np.ndarray  # (N, L) uint8
    names: list[list[str]]  # per kind of label, its names


def _read_cifar(source: Path) -> _Cifar:
    file = _cifar_file(source)
    layout = CIFAR_LAYOUTS[file]
    content = np.frombuffer((source / file).read_bytes(), dtype=np.uint8)
    size = len(layout) + CIFAR_PIXELS
    if len(content) == 0 or len(content) % size:
        raise InputError(
            f"{source / file}: {len(content)} bytes are no whole number of images of {size} bytes; "
            "is the file truncated?"
        )
    records = content.reshape(-1, size)
    pixels = records[:, len(layout) :].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE)
    names = []
    for column, name_file in enumerate(layout):
        path = source / name_file
        if not path.is_file():
            raise InputError(f"{path}: no such file, expected the names of the labels")
        names.append(path.read_text(encoding="utf-8").split())
        if records[:, column].max() >= len(names[-1]):
            raise InputError(
                f"{path}: {len(names[-1])} names, but {source / file} has label "
                f"{records[:, column].max()}"
            )
    return _Cifar(pixels.transpose(0, 2, 3, 1), records[:, : len(layout)], names)
