"""A hub of models and a server of published files, on the loopback, from folders of this machine.

``ROOT/hub/ORGANISATION/NAME/...`` are the files of repositories, as ``huggingface_hub`` asks for
them (``HF_ENDPOINT``); ``ROOT/files/HOST/PATH`` is what ``https://HOST/PATH`` publishes
(``HIERARCAPS_MIRROR``). From a shell, ``python tests/rehearsal/hub_server.py ROOT`` prints both
addresses and serves until it is stopped.

What the hub answers and how is the client's contract: the headers and codes that
``huggingface_hub.file_download`` and ``utils/_http.py`` read.
"""

import argparse
import json
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from hub_faults import Asked, Fault
from hub_files import LARGE, commit_of, entry, hashes

TOKEN = "hf_rehearsal"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_API = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)(?:/(?P<kind>[^/]+)(?:/(?P<rest>.+))?)?")
_RESOLVE = re.compile(r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_STORED = re.compile(r"/stored/(?P<name>[^/]+/[^/]+)/(?P<file>.+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class HubServer:
    """Serves while the block lasts, on a free port of 127.0.0.1, as many requests as come at once.

    Args:
        root: folder with ``hub`` and ``files``; what is put there later is served, too.
        gated: repositories whose licence is to be accepted: for the bearer of ``token`` alone.
        token: as ``HF_TOKEN`` gives it.
        renamed: old name of a repository -> its name now.
        port: 0 for a free one.

    Attributes:
        faults: list of :class:`Fault`, which a test fills.
        ignore_ranges: answer with the whole file, as servers may.
        asked: list of :class:`Asked`, in order.
    """

    def __init__(
        self,
        root: str | Path,
        gated: Iterable[str] = (),
        token: str = TOKEN,
        renamed: Mapping[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.root = Path(root)
        self.gated = frozenset(gated)
        self.token = token
        self.renamed = dict(renamed or {})
        self.faults: list[Fault] = []
        self.ignore_ranges = False
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.hub = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def endpoint(self) -> str:
        """The hub's address, for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def mirror(self) -> str:
        """The address below which published files are, for ``HIERARCAPS_MIRROR``."""
        return f"{self.endpoint}/files"

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def files_of(self, repository: str) -> dict[str, Path] | None:
        """Return path in the repository -> its file; None where there is no such repository."""
        folder = self.root / "hub" / repository
        if ".." in folder.parts or not folder.is_dir():
            return None
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path for path in files}

    def note(self, asked: Asked) -> Fault | None:
        """Keep a request, and return what is to go wrong with it."""
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                if fault.times > 0 and fnmatchcase(asked.path, fault.path):
                    fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up, as the rehearsal has them do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.fault = self.server.hub.note(Asked(self.command, path, headers))
        if self.fault is not None:
            threading.Event().wait(self.fault.wait)
            if self.fault.status is not None:
                self._send(self.fault.status, self.fault.headers)
                return
        if path == "/api/whoami-v2":
            self._whoami()
        elif path.startswith("/files/"):
            self._published(path.removeprefix("/files/"))
        elif match := _STORED.fullmatch(path):
            self._stored(**match.groupdict())
        elif match := _API.fullmatch(path) or _RESOLVE.fullmatch(path):
            self._of_repository(match.groupdict())
        else:
            self._send(404, {"X-Error-Message": "no such page"})

    # The two halves: published files, and repositories.

    def _published(self, path: str) -> None:
        file = self.server.hub.root / "files" / path
        if ".." in file.parts or not file.is_file():
            self._send(404)
        else:
            self._send_file(file, {"ETag": f'"{hashes(file)[1]}"'})

    def _of_repository(self, asked: dict[str, str]) -> None:
        hub, name = self.server.hub, asked["name"]
        if name in hub.renamed:
            now = quote(self.path.replace(name, hub.renamed[name], 1), "/?=&%")
            self._send(307, {"Location": now})
            return
        files = hub.files_of(name)
        if files is None:
            # As the hub does: to those who bring no token it does not tell what there is.
            self._error(404 if self._token() else 401, "RepoNotFound", "Repository not found")
            return
        kind = "resolve" if "file" in asked else asked["kind"]
        revision, _, rest = (asked.get("revision") or asked.get("rest") or "main").partition("/")
        revision = unquote(revision)
        commit = commit_of(files) if revision == "main" else revision
        if not _COMMIT.fullmatch(commit):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif kind == "resolve":
            self._resolve(name, asked["file"], files, commit)
        elif kind in (None, "revision"):
            self._info(name, files, commit)
        elif kind == "auth-check":
            if not self._refused(name):
                self._send_json({})
        elif kind == "tree":
            self._tree(rest, files)
        else:
            self._error(404, "EntryNotFound", f"no {kind} here")

    def _whoami(self) -> None:
        if self._token() != self.server.hub.token:
            self._error(401, "", "Invalid credentials in Authorization header")
        else:
            self._send_json({"type": "user", "name": "rehearsal", "orgs": [], "auth": {}})

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ").strip()

    def _refused(self, name: str) -> bool:
        """Answer that a repository is gated, to those who cannot have it."""
        token = self._token()
        if name not in self.server.hub.gated or token == self.server.hub.token:
            return False
        why = "you are not in the authorized list" if token else "you must be authenticated"
        message = f"Access to model {name} is restricted and {why}."
        self._error(403 if token else 401, "GatedRepo", message)
        return True

    def _resolve(self, name: str, file: str, files: Mapping[str, Path], commit: str) -> None:
        hub = self.server.hub
        if self._refused(name):
            return
        headers = {"X-Repo-Commit": commit}
        path = files.get(file)
        if path is None:
            self._error(404, "EntryNotFound", "Entry not found", headers)
        elif path.suffix in LARGE:
            headers["X-Linked-Etag"] = f'"{hashes(path)[1]}"'
            headers["X-Linked-Size"] = str(path.stat().st_size)
            # By another name, as the address of a store elsewhere: to the same host, clients go on
            # to learn of the file there.
            store = hub.endpoint.replace("127.0.0.1", "localhost")
            headers["Location"] = f"{store}/stored/{name}/{quote(file)}"
            self._send(302, headers)
        else:
            self._send_file(path, headers | {"ETag": f'"{hashes(path)[0]}"'})

    def _stored(self, name: str, file: str) -> None:
        path = (self.server.hub.files_of(name) or {}).get(file)
        if path is None:
            self._send(404)
        else:
            self._send_file(path, {"ETag": f'"{hashes(path)[1]}"'})

    def _info(self, name: str, files: Mapping[str, Path], commit: str) -> None:
        sized = "blobs" in parse_qs(urlsplit(self.path).query)
        siblings = [
            {"rfilename": file, **({"size": path.stat().st_size} if sized else {})}
            for file, path in files.items()
        ]
        gated = "manual" if name in self.server.hub.gated else False
        about = {"id": name, "modelId": name, "sha": commit, "private": False, "disabled": False}
        self._send_json(
            about | {"gated": gated, "tags": [], "downloads": 0, "likes": 0, "siblings": siblings}
        )

    def _tree(self, folder: str, files: Mapping[str, Path]) -> None:
        folder = f"/{folder}/" if folder else "/"
        below = {file: path for file, path in files.items() if f"/{file}".startswith(folder)}
        if not below:
            self._error(404, "EntryNotFound", f"{folder} does not exist on this revision")
            return
        self._send_json([entry(file, path) for file, path in below.items()])

    # Answers.

    def _error(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        said = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send_json({"error": message}, status, {**(headers or {}), **said})

    def _send_json(
        self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        self._send(status, {"Content-Type": "application/json", **(headers or {})}, body)

    def _send(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        self._send_head(status, {**(headers or {}), "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_file(self, path: Path, headers: Mapping[str, str]) -> None:
        size = path.stat().st_size
        start, end = 0, size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        same = self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        if self.server.hub.ignore_ranges or not same:
            asked = None
        if asked:
            start = int(asked[1])
            end = min(size, int(asked[2]) + 1) if asked[2] else size
            if start >= size:
                self._send(416, {"Content-Range": f"bytes */{size}"})
                return
        shown = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
        if asked:
            shown["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._send_head(206 if asked else 200, shown)
        if self.command != "HEAD":
            self._send_content(path, start, end)

    def _send_content(self, path: Path, start: int, end: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            left = end - start
            if self.fault is not None and self.fault.cut_after is not None:
                left = min(left, self.fault.cut_after)
                self.close_connection = True
            if self.fault is not None and self.fault.flip and left:
                self.wfile.write(bytes([file.read(1)[0] ^ 0xFF]))
                left -= 1
            while left > 0:
                some = file.read(min(left, 1 << 20))
                self.wfile.write(some)
                left -= len(some)


def main() -> None:
    """Serve a folder until stopped; print the addresses as a shell sets them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--gated", nargs="*", default=[], metavar="REPOSITORY")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with HubServer(options.root, options.gated, options.token, port=options.port) as server:
        print(f"HF_ENDPOINT={server.endpoint}")
        print(f"HIERARCAPS_MIRROR={server.mirror}", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
