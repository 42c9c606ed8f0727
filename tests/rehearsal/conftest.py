import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer


@pytest.fixture
def served(tmp_path):
    """A hub of nothing yet, whose folder is ``served.root``."""
    with HubServer(tmp_path / "served", gated=["example/gated"]) as server:
        yield server


@pytest.fixture
def hub(served, tmp_path, monkeypatch):
    """The same hub, as this process finds it: with an empty cache."""
    from huggingface_hub import close_session, constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
    template = f"{served.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # The client of transformers keeps the address of the first hub that it asked.
    monkeypatch.setattr("transformers.utils.hub._hf_api", None)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    # The client reads once, when its session begins, which proxies there are.
    close_session()
    yield served
    close_session()


def _mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here: this needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    yield from _mounted(tmp_path / "small", "size=64k")


@pytest.fixture
def read_only_disk(tmp_path) -> Iterator[Path]:
    """A disk that takes nothing."""
    yield from _mounted(tmp_path / "read only", "ro")


@pytest.fixture
def cache_disk(tmp_path) -> Iterator[Path]:
    """A disk of its own, which a test can let be read only."""
    yield from _mounted(tmp_path / "cache disk", "size=64m")
