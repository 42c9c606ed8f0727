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
    from huggingface_hub import constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
    template = f"{served.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return served
