"""The hub of the rehearsal answers its clients as the real one does."""

import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import tiny_clip as tiny_open_clip
import tiny_transformers
import torch
from hub_faults import Fault
from hub_server import TOKEN, HubServer
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors.torch import load_file

PIN = "0123456789abcdef0123456789abcdef01234567"


def put(server: HubServer, repository: str, **files: str) -> Path:
    folder = server.root / "hub" / repository
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.fixture
def words(hub):
    return put(hub, "example/words", config_DOT_json="{}", model_DOT_bin="duck" * 99, sub__a="A")


def test_files_come_with_their_commit_and_from_its_cache(hub, words):
    first = Path(hf_hub_download("example/words", "config.json"))
    assert first.read_text() == "{}"
    asked = len(hub.asked)
    (commit,) = (first.parents[1]).iterdir()
    assert Path(hf_hub_download("example/words", "config.json", revision=commit.name)) == first
    assert len(hub.asked) == asked  # of a commit, what is cached is not asked for
    (words / "config.json").write_text('{"a": 1}')
    second = Path(hf_hub_download("example/words", "config.json"))
    assert second.parent != first.parent
    assert second.read_text() == '{"a": 1}'


def test_any_pinned_commit_is_answered_as_itself(hub, words):
    path = Path(hf_hub_download("example/words", "sub/a", revision=PIN))
    assert path.parents[1].name == PIN
    assert HfApi().model_info("example/words", revision=PIN).sha == PIN


def test_large_files_are_redirected_to_and_known_by_their_sha256(hub, words):
    path = Path(hf_hub_download("example/words", "model.bin"))
    assert path.read_text() == "duck" * 99
    assert len(path.resolve().name) == 64
    assert any(each.path == "/stored/example/words/model.bin" for each in hub.asked)


def test_a_snapshot_has_what_was_asked_for(hub, words):
    folder = Path(snapshot_download("example/words", allow_patterns=["*.json", "sub/*"]))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"config.json", "sub/a"}


def test_the_api_lists_names_sizes_and_paths(hub, words):
    info = HfApi().model_info("example/words", files_metadata=True)
    assert {file.rfilename: file.size for file in info.siblings} == {
        "config.json": 2, "model.bin": 396, "sub/a": 1,
    }  # fmt: skip
    found = {each.path: each for each in HfApi().list_repo_tree("example/words")}
    assert (found["model.bin"].size, found["model.bin"].lfs.size) == (396, 396)
    assert HfApi().file_exists("example/words", "sub/a")
    assert not HfApi().file_exists("example/words", "sub/b")


def test_what_there_is_not_has_a_name(hub, words):
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("example/none", "config.json")
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download("example/words", "none.json")
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download("example/words", "config.json", revision="v9")


def test_a_gated_repository_is_for_the_bearer_of_the_token(hub):
    put(hub, "example/gated", config_DOT_json="{}")
    for token in (None, "hf_another"):
        with pytest.raises(GatedRepoError):
            hf_hub_download("example/gated", "config.json", token=token)
    assert Path(hf_hub_download("example/gated", "config.json", token=TOKEN)).is_file()
    assert HfApi().model_info("example/gated").gated == "manual"
    assert HfApi().whoami(token=TOKEN)["name"] == "rehearsal"
    HfApi().auth_check("example/gated", token=TOKEN)
    with pytest.raises(GatedRepoError):
        HfApi().auth_check("example/gated")


def test_a_renamed_repository_is_found(hub, words):
    hub.renamed["example/old"] = "example/words"
    assert Path(hf_hub_download("example/old", "config.json")).read_text() == "{}"


def test_transformers_loads_shards_and_tokeniser(hub, tmp_path):
    import transformers

    made = tiny_transformers.tiny_clip(hub.root / "hub" / "example" / "clip")
    model = transformers.CLIPModel.from_pretrained(made)
    model.save_pretrained(made, max_shard_size="10KB")
    (made / "model.safetensors").unlink()
    assert (made / "model.safetensors.index.json").is_file()
    loaded = transformers.AutoModel.from_pretrained("example/clip")
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, loaded.state_dict()[name]), name
    assert transformers.AutoTokenizer.from_pretrained("example/clip")("a goat")["input_ids"]
    assert transformers.AutoProcessor.from_pretrained("example/clip")


def test_open_clip_loads_from_the_hub(hub):
    import open_clip

    folder = hub.root / "hub" / "example" / "open"
    folder.mkdir(parents=True)
    tiny_open_clip.write_folder(folder)
    model = open_clip.create_model("hf-hub:example/open")
    for name, weights in load_file(folder / "open_clip_model.safetensors").items():
        assert torch.equal(weights, model.state_dict()[name]), name


def _published(server: HubServer, **headers: str):
    path = server.root / "files" / "a.org" / "~k" / "b c.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("0123456789")
    return urllib.request.Request(f"{server.mirror}/a.org/~k/b%20c.zip", headers=headers)


def test_published_files_come_whole_and_in_parts(served):
    with urllib.request.urlopen(_published(served)) as answer:
        assert (answer.read(), answer.headers["Accept-Ranges"]) == (b"0123456789", "bytes")
    with urllib.request.urlopen(_published(served, Range="bytes=4-")) as answer:
        assert (answer.status, answer.read()) == (206, b"456789")
        assert answer.headers["Content-Range"] == "bytes 4-9/10"
    with urllib.request.urlopen(_published(served, Range="bytes=2-3")) as answer:
        assert answer.read() == b"23"
    with pytest.raises(urllib.error.HTTPError, match="416"):
        urllib.request.urlopen(_published(served, Range="bytes=10-"))


@pytest.mark.parametrize(
    "path", ["/files/a.org/none", "/files/../conftest.py", "/nothing", "/files/"]
)
def test_other_paths_are_not_found(served, path):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(served.endpoint + path)


def test_faults_are_of_the_first_requests_alone(served):
    served.faults.append(Fault("*/b c.zip", status=503, headers={"Retry-After": "7"}))
    served.faults.append(Fault("*/b c.zip", cut_after=4))
    served.faults.append(Fault("*/b c.zip", flip=True))
    with pytest.raises(urllib.error.HTTPError, match="503") as refused:
        urllib.request.urlopen(_published(served))
    assert refused.value.headers["Retry-After"] == "7"
    with (
        urllib.request.urlopen(_published(served)) as answer,
        pytest.raises(http.client.IncompleteRead, match="4 bytes read, 6 more expected"),
    ):
        answer.read()
    for expected in (b"\xcf123456789", b"0123456789"):
        with urllib.request.urlopen(_published(served)) as answer:
            assert answer.read() == expected


def test_it_is_started_from_a_shell(tmp_path):
    put_here = tmp_path / "files" / "a.org"
    put_here.mkdir(parents=True)
    (put_here / "x").write_text("duck")
    script = Path(__file__).with_name("hub_server.py")
    with subprocess.Popen(
        [sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True
    ) as server:
        lines = dict(server.stdout.readline().strip().split("=") for _ in range(2))
        try:
            with urllib.request.urlopen(f"{lines['HIERARCAPS_MIRROR']}/a.org/x") as answer:
                assert answer.read() == b"duck"
            assert lines["HF_ENDPOINT"].startswith("http://127.0.0.1:")
        finally:
            server.terminate()
