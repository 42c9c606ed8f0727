"""Published data sets that tasks read: a list of files with their addresses and hashes, fetched.

A file that is in place already is never fetched, so that a prepared directory needs no network.
(``pooch`` knows no hashes of git blobs, and keeps or unpacks whole archives where one member is
wanted.)
"""

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hierarcaps.data.mirror import mirrored
from hierarcaps.data.official import official_copy
from hierarcaps.data.tables import read_rows
from hierarcaps.data.transfer import fetch
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, git_blob_hash, sha256_file

COLUMNS = ["file", "url", "member", "archive_sha256", "sha256", "git_blob"]
ROOT = PurePosixPath("data", "published")
PICTURES = (".jpg", ".jpeg", ".png")
PICTURES_AT_ONCE = 256  # held in memory


@dataclass(frozen=True)
class Download:
    """A file and where it comes from.

    Attributes:
        file: where it goes, relative to the working directory.
        url: https address of the file, or of a zip or tar archive.
        member: empty; or the name of a file in the archive, in whatever folder; or, with a slash
            at its end, a folder of pictures that become one Parquet file (``name``, ``image``).
        archive_sha256: hex hash of what the address gives.
        sha256: hex hash of the file itself.
        git_blob: the hash by which git knows it, where its repository says no other. Of the three
            hashes one is enough.
    """

    file: str
    url: str
    member: str
    archive_sha256: str
    sha256: str
    git_blob: str = ""


def read_downloads(path: str | Path) -> list[Download]:
    """Read a list of files (``config/downloads.csv``).

    Raises:
        InputError: another header, an address that is not https, a file elsewhere than below
            ``data/published``, or one without a hash.
    """
    rows = read_rows(path, what="list of downloads")
    header = next(rows, (0, []))[1]
    if header != COLUMNS:
        raise InputError(f"{path}: found {header}, expected {','.join(COLUMNS)}")
    downloads = [Download(*cells) for _, cells in rows]
    for each in downloads:
        if not each.url.startswith("https://"):
            raise InputError(f"{path}: {each.file}: found {each.url!r}, expected https://...")
        if ROOT not in PurePosixPath(each.file).parents:
            raise InputError(f"{path}: found the file {each.file!r}, expected {ROOT}/...")
        if not (each.sha256 or each.archive_sha256 or each.git_blob):
            raise InputError(
                f"{path}: {each.file}: no hash, expected archive_sha256, sha256 or git_blob"
            )
    return downloads


def by_data_set(downloads: Sequence[Download]) -> Mapping[str, list[Download]]:
    """Return data set -> its files, as one job fetches them; a name is the folder's below ROOT."""
    data_sets: dict[str, list[Download]] = {}
    for each in downloads:
        folder = PurePosixPath(each.file).parent.relative_to(ROOT)
        data_sets.setdefault("_".join(folder.parts), []).append(each)
    return data_sets


def files_at(downloads: Sequence[Download], path: str) -> list[str]:
    """Return the listed files that are ``path`` or lie below it; ``path`` itself where none is."""
    place = PurePosixPath(path)
    files = [each.file for each in downloads if PurePosixPath(each.file).is_relative_to(place)]
    return files or [path]


def fetch_downloads(downloads: Sequence[Download]) -> None:
    """Fetch files, each whole and with the right hash or not at all; an archive is fetched once.

    Files of the official repository are taken from a local copy of it where there is one; of all
    others HIERARCAPS_MIRROR may name a copy.

    Raises:
        InputError: no network, another hash, or an archive without such a member.
    """
    for url in dict.fromkeys(each.url for each in downloads):
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, PurePosixPath(url).name)
            wanted = [each for each in downloads if each.url == url]
            if local := official_copy(url):
                archive = local
            else:
                _fetch_once(url, archive, wanted)
            for each in wanted:
                _take(each, archive)


def _fetch_once(url: str, archive: Path, wanted: Sequence[Download]) -> None:
    try:
        fetch(mirrored(url), archive, sha256=wanted[0].archive_sha256 or None)
    except InputError as error:
        places = ", ".join(each.file for each in wanted)
        raise InputError(f"{error}; a copy can be put in place as {places}") from None


def _take(download: Download, archive: Path) -> None:
    with atomic_path(download.file) as partial:
        if download.member.endswith("/"):
            _pack_pictures(download, archive, partial)
        elif download.member:
            partial.write_bytes(_member(download, archive))
        else:
            shutil.copyfile(archive, partial)
        found = sha256_file(partial)
        if download.sha256 and found != download.sha256:
            raise InputError(
                f"{download.url}: {download.file} has SHA-256 {found}, expected {download.sha256}"
            )
        if download.git_blob and (found := git_blob_hash(partial)) != download.git_blob:
            raise InputError(
                f"{download.url}: {download.file} is the git blob {found}, expected "
                f"{download.git_blob}"
            )


def _member(download: Download, archive: Path) -> bytes:
    """Return the member of that name, in whatever folder of the archive."""

    def is_it(path: str) -> bool:
        return PurePosixPath(path).name.casefold() == download.member.casefold()

    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                return zipped.read(_only(download, filter(is_it, zipped.namelist())))
        with tarfile.open(archive) as tarred:
            names = (each.name for each in tarred if each.isfile())
            file = tarred.extractfile(_only(download, filter(is_it, names)))
            assert file is not None  # it is a file
            return file.read()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{download.url}: not a whole zip or tar archive ({error})") from None


def _only(download: Download, names: Iterator[str]) -> str:
    found = list(names)
    if len(found) != 1:
        raise InputError(
            f"{download.url}: the archive has {len(found)} members named {download.member}, "
            "expected one"
        )
    return found[0]


def _pack_pictures(download: Download, archive: Path, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema({"name": pa.string(), "image": pa.binary()})
    with zipfile.ZipFile(archive) as zipped:
        names = sorted(
            name
            for name in zipped.namelist()
            if name.startswith(download.member) and name.lower().endswith(PICTURES)
        )
        if not names:
            raise InputError(f"{download.url}: the archive has no pictures in {download.member}")
        # The pictures are compressed already.
        with pq.ParquetWriter(target, schema, compression="none") as writer:
            for start in range(0, len(names), PICTURES_AT_ONCE):
                some = names[start : start + PICTURES_AT_ONCE]
                columns = {
                    "name": [PurePosixPath(name).name for name in some],
                    "image": [zipped.read(name) for name in some],
                }
                writer.write_table(pa.table(columns, schema=schema))
