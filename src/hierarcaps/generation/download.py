"""Caption files from the network: COCO's annotations (a member of a zip), Conceptual Captions."""

import shutil
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from hierarcaps.errors import InputError
from hierarcaps.files import atomic_path, sha256_file

TIMEOUT_SECONDS = 60


def fetch(
    url: str, target: str | Path, member: str | None = None, sha256: str | None = None
) -> None:
    """Download ``url`` to ``target``, whole or not at all.

    Args:
        url: http, https or file address.
        target: the file to write.
        member: path inside the downloaded zip that becomes ``target``; None takes it as it is.
        sha256: hex hash that the downloaded file must have; None accepts any.

    Raises:
        InputError: no network, no such address or member, or another hash.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "download"
        try:
            with (
                urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer,
                raw.open("wb") as f,
            ):
                shutil.copyfileobj(answer, f)
        except (OSError, ValueError) as error:
            raise InputError(f"{url}: cannot be downloaded ({error})") from None
        found = sha256_file(raw)
        if sha256 is not None and found != sha256.lower():
            raise InputError(f"{url}: found SHA-256 {found}, expected {sha256}")
        with atomic_path(target) as partial:
            if member is None:
                shutil.copyfile(raw, partial)
            else:
                _extract(raw, member, partial, url)


def _extract(archive: Path, member: str, target: Path, url: str) -> None:
    try:
        with (
            zipfile.ZipFile(archive) as files,
            files.open(member) as source,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    except zipfile.BadZipFile:
        raise InputError(f"{url}: expected a zip file with the member {member}") from None
    except KeyError:
        raise InputError(f"{url}: the zip file has no member {member}") from None
