"""The official HierarCaps test set: found in a local folder or downloaded, and always checked."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.mirror import mirrored
from hierarcaps.data.transfer import fetch
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.files import atomic_path
from hierarcaps.runtime.progress import progress

COMMIT = "ba22b8914db10973e38d2c03f08bb4dce7ba118e"
URL = f"https://raw.githubusercontent.com/TAU-VAILab/hierarcaps/{COMMIT}"
# Where the files lie in the official repository, by their place in the checksum list.
FOLDERS = {"hierarcaps_test.csv": "data", "test_imgs": "assets"}
TABLE = "hierarcaps_test.csv"
_CHECKSUM = re.compile(
    rf"(?P<digest>[0-9a-f]{{64}}) [ *](?P<name>{re.escape(TABLE)}|test_imgs/[^/]+)"
)
DIRECTORY_VARIABLE = "HIERARCAPS_DATA"
# Where the workflow puts the table and the images (config/official.yaml).
MADE = (Path("data/official/test.csv"), Path("data/official/test.parquet"))
DOWNLOADS_AT_ONCE = 8


def read_checksums(path: str | Path) -> dict[str, str]:
    """Read a list in the format of ``sha256sum``: relative path -> hex digest.

    Raises:
        InputError: no such list, another format, or other files than the table and its images.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)})") from None
    checksums = {}
    for number, line in enumerate(lines, start=1):
        found = _CHECKSUM.fullmatch(line)
        if found is None:
            raise InputError(
                f"{path}, line {number}: expected a SHA-256, two spaces and {TABLE} or "
                "test_imgs/NAME, as sha256sum writes it"
            )
        checksums[found["name"]] = found["digest"]
    if TABLE not in checksums:
        raise InputError(f"{path}: {TABLE} is not listed")
    return checksums


def fetch_test_set(
    checksums: str | Path,
    hierarchies_path: str | Path,
    images_path: str | Path,
    directory: str | Path | None = None,
) -> None:
    """Write the official table and one Parquet file of its images, every file checked.

    Args:
        checksums: list of all files, in the format of ``sha256sum``.
        hierarchies_path: where the table goes, unchanged.
        images_path: where the images go (columns ``name`` and ``image``).
        directory: folder with ``hierarcaps_test.csv`` and ``test_imgs/``, or a checkout of the
            official repository; by default that of the environment variable HIERARCAPS_DATA.
            Without either the files are downloaded.

    Raises:
        InputError: a file is missing, differs from its checksum, or cannot be downloaded.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = read_checksums(checksums)
    directory = directory or os.environ.get(DIRECTORY_VARIABLE)
    names, images = [], []
    for name, content in _contents(list(expected), directory):
        found = hashlib.sha256(content).hexdigest()
        if found != expected[name]:
            raise InputError(
                f"{name}: found SHA-256 {found[:12]}..., expected {expected[name][:12]}...: "
                "not the official file"
            )
        if name == TABLE:
            table = content
        else:
            names.append(Path(name).name)
            images.append(content)
    with atomic_path(images_path) as partial:
        # The images are compressed already.
        pq.write_table(pa.table({"name": names, "image": images}), partial, compression="none")
    with atomic_path(hierarchies_path) as partial:
        partial.write_bytes(table)


def find_test_set(instead: str = "--hierarchies TABLE and --images FOLDER") -> tuple[Path, Path]:
    """Return the official table and its images where they are at hand: nothing is downloaded.

    In the folder that HIERARCAPS_DATA names, as :func:`fetch_test_set` takes it, or where ``make
    official`` puts them below the working directory.

    Args:
        instead: what a user can give in its place.

    Raises:
        InputError: neither is there.
    """
    places = [MADE]
    if directory := os.environ.get(DIRECTORY_VARIABLE):
        pictures = "test_imgs"
        table_folder, pictures_folder = FOLDERS[TABLE], FOLDERS[pictures]
        whole = Path(directory)
        places = [
            (whole / TABLE, whole / pictures),
            (whole / table_folder / TABLE, whole / pictures_folder / pictures),
            MADE,
        ]
    for table, images in places:
        if table.is_file() and images.exists():
            return table, images
    raise InputError(
        f"the official test set is not at hand: set {DIRECTORY_VARIABLE} to a folder with {TABLE} "
        f"and test_imgs/, or give {instead} of your own"
    )


def known_test_images() -> list[str]:
    """Return the images of the official test set where it is at hand, else none."""
    try:
        table, _ = find_test_set()
    except InputError:
        return []
    return [item.image for item in read_hierarchies(table) if item.image]


def official_copy(url: str) -> Path | None:
    """Return the local copy, in the folder that HIERARCAPS_DATA names, of a file of ``URL``."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory or not url.startswith(f"{URL}/"):
        return None
    path = Path(url.removeprefix(f"{URL}/"))
    places = (Path(directory, path), Path(directory, path.name))
    return next((place for place in places if place.is_file()), None)


def _contents(names: list[str], directory: str | Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and content, in order."""
    if directory:
        if not Path(directory).is_dir():
            raise InputError(
                f"{directory}: no such folder, expected {TABLE} and test_imgs/ in it "
                f"(test_set.official_directory or {DIRECTORY_VARIABLE})"
            )
        for name in progress(names, "checking the official test set"):
            yield name, _read(Path(directory), name)
        return
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        downloads = pool.map(_download, names)
        yield from progress(downloads, "downloading the official test set", total=len(names))


def _read(directory: Path, name: str) -> bytes:
    for path in (directory / name, directory / FOLDERS[Path(name).parts[0]] / name):
        if path.is_file():
            return path.read_bytes()
    raise InputError(f"{directory / name}: no such file, expected the official test set")


def _download(name: str) -> tuple[str, bytes]:
    url = mirrored(f"{URL}/{FOLDERS[Path(name).parts[0]]}/{name}")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "content")
        try:
            fetch(url, target)
        except InputError as error:
            raise InputError(
                f"{error}; without a network, set {DIRECTORY_VARIABLE} to a folder with {TABLE} "
                "and test_imgs/"
            ) from None
        return name, target.read_bytes()
