"""The upload: by the real client to a server on this machine, and only where it is asked for."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import huggingface_hub
import pytest

from hierarcaps import cli
from hierarcaps.models import hub as models_hub
from hierarcaps.publishing.hub import push
from hierarcaps.runtime.errors import InputError


class Hub(ThreadingHTTPServer):
    """What a hub answers to the making of a repository and one commit."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files: dict[str, bytes] = {}
        self.made: list[dict] = []
        self.tokens: set[str | None] = set()
        self.paths: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer({"id": "me/boats", "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        self.server.paths.append(self.path)
        body = self._body().decode()
        if self.path == "/api/repos/create":
            self.server.made.append(json.loads(body))
            self._answer({"url": f"{self.server.address}/me/boats", "name": "me/boats"})
        elif "/preupload/" in self.path:
            names = [each["path"] for each in json.loads(body)["files"]]
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            self._answer({"files": [{"path": name, **modes} for name in names]})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    self.server.files[value["path"]] = base64.b64decode(value["content"])
            url = f"{self.server.address}/me/boats/commit/{'0' * 40}"
            self._answer({"commitUrl": url, "commitOid": "0" * 40})
        else:
            self._answer({"errors": [], "warnings": []})

    def _body(self) -> bytes:
        if length := self.headers["Content-Length"]:
            return self.rfile.read(int(length))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, content: dict) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Hub]:
    with Hub() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("kind", "place"), [("model", ""), ("dataset", "datasets/")])
def test_a_folder_is_uploaded_to_the_endpoint(server: Hub, tmp_path: Path, kind: str, place: str):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Boats\n")
    (folder / ".partial-1-README.md").write_text("half")
    code = (
        "import sys; from hierarcaps.publishing.hub import push\n"
        f"print(push({str(folder)!r}, 'me/boats', {kind!r}))"
    )
    # The client reads the endpoint when it is imported.
    environment = {
        name: value for name, value in os.environ.items() if "proxy" not in name.lower()
    } | {"HF_ENDPOINT": server.address, "HF_TOKEN": "hf_test", "HF_HOME": str(tmp_path),
         "HF_HUB_OFFLINE": "0"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{server.address}/{place}me/boats\n"
    assert list(server.files) == ["README.md"]
    assert server.files["README.md"] == (folder / "README.md").read_bytes()
    assert server.tokens == {"Bearer hf_test"}
    (made,) = server.made
    assert made["visibility"] == "private"
    assert made.get("type", "model") == kind


def test_without_a_token_or_a_network_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(InputError, match="there is no token for the hub, expected one in HF_TOKEN"):
        push(tmp_path, "me/boats", "model")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_test")
    monkeypatch.setattr(models_hub, "can_reach_hub", lambda: False)
    with pytest.raises(InputError, match="the hub cannot be reached"):
        push(tmp_path, "me/boats", "model")


def test_what_the_client_raises_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Refusing:
        def create_repo(self, *_, **__):
            raise RuntimeError("403 Forbidden\nnot yours")

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_test")
    monkeypatch.setattr(models_hub, "can_reach_hub", lambda: True)
    monkeypatch.setattr(huggingface_hub, "HfApi", Refusing)
    with pytest.raises(InputError, match=r"me/boats: the upload failed \(403 Forbidden not yours"):
        push(tmp_path, "me/boats", "model")


@pytest.mark.parametrize("asked", [False, True])
def test_the_command_uploads_on_an_explicit_word_only(
    asked: bool, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    from hierarcaps.publishing import hub

    pushed = []
    monkeypatch.setattr(hub, "push", lambda *asked: pushed.append(asked) or "https://hub/me/boats")
    command = ["export", str(study / "models/vit-8/seed0"), str(tmp_path / "out")]
    assert cli.main([*command, *["--push", "me/boats"] * asked]) == 0
    assert pushed == [(tmp_path / "out", "me/boats", "model")] * asked
    assert ("https://hub/me/boats" in capsys.readouterr().out) == asked


def test_what_else_is_in_a_folder_is_not_uploaded(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    from hierarcaps.publishing import hub

    monkeypatch.setattr(hub, "push", lambda *_: pytest.fail("uploaded"))
    command = ["export", str(study / "models/vit-8/seed0"), str(tmp_path), "--push", "me/boats"]
    assert cli.main(command) == 1
    assert "is not empty, expected a new folder" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()
