"""Files over the network: whole or not at all, resumed where they were cut, tried again.

(``pooch`` resumes nothing and waits for no server that asks to; proxies, as the environment names
them, and ``file://`` are what ``urllib`` knows by itself.)
"""

import http.client
import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, sha256_file
from hierarcaps.runtime.patience import LATER_CODES, LaterError, patiently, seconds_of

TIMEOUT_SECONDS = 60


def fetch(url: str, target: str | Path, sha256: str | None = None) -> None:
    """Download ``url`` to ``target``, whole or not at all.

    A server that is busy is asked again, as it wishes; what was cut goes on where it was cut.

    Raises:
        InputError: no network, no such address, no room, or another hash than ``sha256`` (hex).
    """
    with atomic_path(target) as partial:
        transfer = _Transfer(url, partial)
        patiently(url, transfer.go_on)
        if sha256 is not None and (found := sha256_file(partial)) != sha256.lower():
            raise InputError(f"{url}: found SHA-256 {found}, expected {sha256}")


class _Transfer:
    """A download to a file, which may take several requests."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path = url, path
        self.version = ""  # of what is there already, as the server names it

    def go_on(self) -> None:
        """Fetch what is lacking.

        Raises:
            LaterError: the server is busy, or hung up.
            InputError: it will not be otherwise later.
            OSError: the file cannot be written.
        """
        there = self.path.stat().st_size if self.version and self.path.exists() else 0
        # A part of another version of the file would not fit: of that, all is sent.
        headers = {"Range": f"bytes={there}-", "If-Range": self.version} if there else {}
        try:
            request = urllib.request.Request(self.url, headers=headers)
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                self.version = answer.headers.get("ETag", "")
                self._receive(answer, there if answer.status == 206 else 0)
        except urllib.error.HTTPError as error:
            said = f"the server answers {error.code} {error.reason}".rstrip()
            if error.code in LATER_CODES:
                raise LaterError(said, seconds_of(error.headers.get("Retry-After"))) from None
            raise InputError(f"{self.url}: cannot be downloaded ({said})") from None
        except urllib.error.URLError as error:
            # Of a name or a route that is not there, nothing better is heard in a minute.
            raise InputError(f"{self.url}: cannot be downloaded ({error.reason})") from None
        except (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException) as error:
            raise LaterError(f"the transfer was cut ({error})") from None
        except ValueError as error:
            raise InputError(f"{self.url}: cannot be downloaded ({error})") from None

    def _receive(self, answer: http.client.HTTPResponse, start: int) -> None:
        announced = answer.headers.get("Content-Length")
        with self.path.open("ab" if start else "wb") as file:
            shutil.copyfileobj(answer, file)
            received = file.tell()
        # Of a stream that ends early, ``http.client`` says nothing.
        if announced is not None and received < start + int(announced):
            raise ConnectionError(f"after {received:,} of {start + int(announced):,} bytes")
