"""What goes wrong between a command and the hub, as who runs the command meets it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from forwarding_proxy import forwarding_proxy
from hub_faults import Fault
from hub_server import TOKEN
from huggingface_hub import constants
from PIL import Image
from tiny_checkpoints import tiny_judge
from tiny_transformers import tiny_clip

from hierarcaps import cli

CLIP, JUDGE, GATED = "example/clip", "example/judge", "example/gated"
WEIGHTS = "*/model.safetensors"


@pytest.fixture(autouse=True)
def at_work(tmp_path, monkeypatch):
    """A working directory of its own, and a clock on which patience is no time."""
    monkeypatch.chdir(tmp_path)
    slept: list[float] = []
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (slept.append(seconds), sleep(0.001))[1])
    return slept


@pytest.fixture
def clip(hub) -> Path:
    return tiny_clip(hub.root / "hub" / CLIP)


@pytest.fixture
def judge(hub) -> Path:
    folder = hub.root / "hub" / JUDGE
    folder.parent.mkdir(parents=True, exist_ok=True)
    tiny_judge(folder, "bert")
    return folder


@pytest.fixture
def describe(tmp_path, capfd):
    """Run ``hierarcaps describe`` with a model of the hub: its exit status and what it printed."""
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    (tmp_path / "captions.txt").write_text("a boat\na red boat\n")

    def run(repository: str = CLIP) -> tuple[int, str]:
        model = ["--model", f"transformers: {repository}", "--device", "cpu", "--json"]
        status = cli.main(["describe", "red.png", "--captions", "captions.txt", *model])
        printed = capfd.readouterr()
        if status == 0:
            assert json.loads(printed.out)["images"]
        return status, printed.err

    return run


@pytest.fixture
def judged(tmp_path, capfd):
    """Run ``hierarcaps filter`` with a judge of the hub."""
    tiers = "a thing => a boat => a red boat => a red boat at sea"
    (tmp_path / "items.csv").write_text(f"id,captions,image_url\n0,{tiers},\n")

    def run(repository: str = JUDGE) -> tuple[int, str]:
        status = cli.main(["filter", "items.csv", "--nli", repository, "--out", "kept.csv"])
        printed = capfd.readouterr().err
        # Random weights judge at random: that they were asked is all that is of interest here.
        return (0 if "the canary pair" in printed else status), printed

    return run


def refused(result: tuple[int, str], cache: Path | None = None) -> str:
    """Return the one sentence of a command that ended in it, leaving no half-written file."""
    status, printed = result
    assert status == 1, printed
    assert "Traceback" not in printed
    lines = printed.splitlines()
    assert lines[-1].startswith("Error: "), printed
    blobs = list(Path(cache or constants.HF_HUB_CACHE).rglob("*.incomplete"))
    assert not blobs
    return lines[-1]


def snapshot(name: str) -> list[Path]:
    return list(Path(constants.HF_HUB_CACHE).glob(f"models--*/snapshots/*/{name}"))


def test_all_is_well(clip, describe):
    assert describe()[0] == 0


@pytest.mark.parametrize("command", ["describe", "judged"])
def test_a_gated_repository_without_a_token(hub, clip, judge, command, request):
    (hub.root / "hub" / (CLIP if command == "describe" else JUDGE)).rename(hub.root / "hub" / GATED)
    run = request.getfixturevalue(command)
    sentence = refused(run(GATED))
    assert f"{GATED}: this repository is gated: accept its licence on" in sentence
    assert f"{hub.endpoint}/{GATED}" in sentence
    assert "`hf auth login`, or HF_TOKEN" in sentence


def test_a_token_whose_user_did_not_accept(hub, clip, describe, monkeypatch):
    clip.rename(hub.root / "hub" / GATED)
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    assert refused(describe(GATED)).endswith("as the user of the token that was given")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert describe(GATED)[0] == 0


def test_what_is_cut_goes_on_where_it_was_cut(hub, clip, describe, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.faults += [Fault(f"/stored/{CLIP}/model.safetensors", cut_after=5000)]
    status, printed = describe()
    assert status == 0, printed
    ranges = [each.headers.get("range") for each in hub.asked if "/stored/" in each.path]
    assert ranges == [None, "bytes=5000-"]
    (file,) = snapshot("model.safetensors")
    assert file.read_bytes() == (clip / "model.safetensors").read_bytes()


def test_what_is_cut_again_and_again_is_refused(hub, clip, describe):
    hub.faults += [Fault(f"/stored/{CLIP}/model.safetensors", times=999, cut_after=0)]
    sentence = refused(describe())
    assert "the transfer was cut" in sentence
    assert not snapshot("model.safetensors")


@pytest.mark.parametrize(("status", "asks"), [(429, {"Retry-After": "40"}), (503, {})])
@pytest.mark.parametrize("path", [f"/{CLIP}/resolve/*/model.safetensors", f"/api/models/{CLIP}*"])
def test_a_busy_hub_is_waited_for(hub, clip, describe, at_work, status, asks, path):
    hub.faults += [Fault(path, times=3, status=status, headers=asks)]
    ended, printed = describe()
    assert ended == 0, printed
    assert sum(at_work) >= (2 * 40 if asks else 2)


def test_a_store_that_is_busy_is_waited_for(hub, clip, describe):
    hub.faults += [Fault(f"/stored/{CLIP}/model.safetensors", times=2, status=503)]
    ended, printed = describe()
    assert ended == 0, printed
    assert f"hf-hub:{CLIP}: the hub answers 503; again in" in printed


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("command", ["describe", "judged"])
def test_a_hub_that_stays_busy_is_one_sentence(hub, clip, judge, status, command, request):
    hub.faults += [Fault("*", times=9999, status=status)]
    sentence = refused(request.getfixturevalue(command)())
    assert f": the hub answers {status}, at each of 6 tries" in sentence


def test_weights_of_torch_are_used_where_they_are_safe(clip, describe, judge, judged):
    from safetensors.torch import load_file

    for folder in (clip, judge):
        state = load_file(folder / "model.safetensors")
        torch.save(state, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    assert describe()[0] == 0
    assert judged()[0] == 0


def test_weights_of_torch_with_other_objects_are_refused(clip, describe):
    torch.save({"weights": subprocess.Popen}, clip / "pytorch_model.bin")
    (clip / "model.safetensors").unlink()
    assert "holds objects besides tensors and plain values" in refused(describe())


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_full_disk_is_one_sentence(clip, describe, small_disk, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(small_disk))
    sentence = refused(describe())
    assert f"{small_disk}" in sentence
    assert "cannot be written (No space left on device); HF_HOME names another" in sentence
    assert not snapshot("model.safetensors")


def test_a_read_only_cache_serves_what_it_has(
    clip, describe, cache_disk, monkeypatch, judge, judged
):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache_disk))
    assert describe()[0] == 0
    subprocess.run(["mount", "-o", "remount,ro", str(cache_disk)], check=True)
    assert describe()[0] == 0
    sentence = refused(judged())
    assert f"{cache_disk}" in sentence
    assert "cannot be written (Read-only file system); HF_HOME names another" in sentence


def test_a_proxy_is_asked(hub, clip, describe, monkeypatch):
    _elsewhere(monkeypatch)
    with forwarding_proxy(hub.endpoint.removeprefix("http://")) as (proxy, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "")
        status, printed = describe()
    assert status == 0, printed
    assert any(line.startswith(f"HEAD http://hub.invalid/{CLIP}/resolve/") for line in seen)


@pytest.mark.parametrize("command", ["describe", "judged"])
def test_no_network_at_all_is_one_sentence(clip, judge, monkeypatch, command, request):
    _elsewhere(monkeypatch)
    sentence = refused(request.getfixturevalue(command)())
    assert f"example/{'clip' if command == 'describe' else 'judge'}: not in the" in sentence
    assert "no network" in sentence or "http://hub.invalid is not reached" in sentence


@pytest.mark.parametrize("command", ["describe", "judged"])
def test_what_was_there_once_needs_no_network(clip, judge, monkeypatch, command, request):
    run = request.getfixturevalue(command)
    assert run()[0] == 0
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    _elsewhere(monkeypatch)
    assert run()[0] == 0


def test_offline_is_said(clip, judge, judged, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refused(judged()).endswith("not in the hub's cache, and HF_HUB_OFFLINE is set")


def test_two_processes_that_want_one_file_share_it(hub, clip, tmp_path):
    hub.faults += [Fault(f"/{CLIP}/resolve/*", times=2, wait=1.0)]
    wanted = f"hub_file('{CLIP}', ['model.safetensors'])"
    work = f"from hierarcaps.models.hub import hub_file; print({wanted})"
    variables = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "shared")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", work],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    printed = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    (path,) = printed
    assert Path(path).read_bytes() == (clip / "model.safetensors").read_bytes()
    fetched = [each for each in hub.asked if each.method == "GET" and "/stored/" in each.path]
    assert len(fetched) == 1


def _elsewhere(monkeypatch) -> None:
    """A hub by a name that leads nowhere."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    template = "http://hub.invalid/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
