"""What goes wrong while published files are fetched, as the rule that fetches them meets it."""

import errno
import hashlib
import os
import shutil
from pathlib import Path

import pytest
from forwarding_proxy import forwarding_proxy
from hub_faults import Fault
from rule_script import run_script, start_script

from hierarcaps.data.official import URL
from hierarcaps.data.transfer import fetch
from hierarcaps.runtime.errors import InputError

ADDRESS = "https://data.example.org/words.bin"
CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TARGET = "data/published/words/words.bin"
DIRECT = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "")


@pytest.fixture
def words(served) -> Path:
    path = served.root / "files" / "data.example.org" / "words.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def download(served, tmp_path):
    """Run the rule's script; ``start`` leaves it at work."""

    def run(start=False, run=run_script, **environment):
        row = {"downloads": [[TARGET, ADDRESS, "", "", SHA256, ""]]}
        variables = {**DIRECT, "HIERARCAPS_MIRROR": served.mirror, **environment}
        how = start_script if start else run
        return how("download.py", tmp_path / "study", variables, params=row)

    return run


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "study" / TARGET


def refused(result: tuple[int, str], target: Path) -> str:
    """Return the one sentence of a run that ended in it and left nothing."""
    status, printed = result
    assert status == 1, printed
    assert "Traceback" not in printed
    (sentence,) = (line for line in printed.splitlines() if line.startswith("Error: "))
    assert not target.parent.exists() or not list(target.parent.iterdir())
    return sentence


def test_the_official_test_set_by_another_list(served, tmp_path):
    contents = {"data/hierarcaps_test.csv": b"id\n", "assets/test_imgs/a.jpg": b"picture"}
    listed = []
    for name, content in contents.items():
        path = served.root / "files" / URL.removeprefix("https://") / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        listed.append(f"{digest}  {name.split('/', 1)[1]}\n")
    (tmp_path / "own.sha256").write_text("".join(listed))
    served.faults += [Fault("*/a.jpg", status=503), Fault("*/a.jpg", cut_after=3)]
    variables = {**DIRECT, "HIERARCAPS_MIRROR": served.mirror, "HIERARCAPS_DATA": ""}
    job = {
        "input": {"checksums": str(tmp_path / "own.sha256")},
        "output": {"hierarchies": "out.csv", "images": "out.parquet"},
        "params": {"directory": None},
    }
    status, printed = run_script("fetch_official_test_set.py", tmp_path / "study", variables, **job)
    assert status == 0, printed
    assert "a.jpg: the server answers 503" in printed
    assert "a.jpg: the transfer was cut" in printed
    assert (tmp_path / "study" / "out.csv").read_bytes() == b"id\n"
    served.faults += [Fault("*/a.jpg", flip=True)]
    status, printed = run_script("fetch_official_test_set.py", tmp_path / "again", variables, **job)
    assert status == 1
    assert "test_imgs/a.jpg: found SHA-256" in printed
    assert not (tmp_path / "again" / "out.csv").exists()


def test_all_is_well(words, download, target):
    assert download()[0] == 0
    assert target.read_bytes() == CONTENT


def test_what_is_cut_goes_on_where_it_was_cut(served, words, download, target):
    served.faults += [Fault("*/words.bin", cut_after=300_000), Fault("*/words.bin", cut_after=1000)]
    status, printed = download()
    assert status == 0, printed
    assert "the transfer was cut (after 300,000 of 1,048,576 bytes); again in" in printed
    asked = [each.headers.get("range") for each in served.asked]
    assert asked == [None, "bytes=300000-", "bytes=301000-"]
    assert target.read_bytes() == CONTENT


def test_a_server_that_knows_no_ranges_sends_it_whole_again(served, words, download, target):
    served.faults += [Fault("*/words.bin", cut_after=300_000)]
    served.ignore_ranges = True
    assert download()[0] == 0
    assert target.read_bytes() == CONTENT


def test_what_is_cut_again_and_again_is_refused(served, words, download, target):
    served.faults += [Fault("*/words.bin", times=99, cut_after=10)]
    sentence = refused(download(), target)
    assert "the transfer was cut" in sentence
    assert sentence.endswith(f"at each of 6 tries; a copy can be put in place as {TARGET}")


def test_what_came_otherwise_is_refused_by_its_hash(served, words, download, target):
    served.faults += [Fault("*/words.bin", flip=True)]
    assert f"expected {SHA256}" in refused(download(), target)


@pytest.mark.parametrize(("status", "asks"), [(429, {"Retry-After": "40"}), (503, {})])
def test_a_busy_server_is_waited_for(served, words, download, target, status, asks):
    served.faults += [Fault("*/words.bin", times=3, status=status, headers=asks)]
    ended, printed = download()
    assert ended == 0, printed
    said = [line for line in printed.splitlines() if f"the server answers {status}" in line]
    assert len(said) == 3
    assert said[0].endswith("(try 1 of 6)")
    if asks:
        assert all("again in 40 s" in line for line in said)
    assert target.read_bytes() == CONTENT


def test_a_server_that_stays_busy_is_one_sentence(served, words, download, target):
    served.faults += [Fault("*/words.bin", times=99, status=503)]
    sentence = refused(download(), target)
    assert f"{served.mirror}/data.example.org/words.bin: the server answers 503" in sentence
    assert "at each of 6 tries" in sentence
    assert len(served.asked) == 6


def test_what_is_not_there_is_not_asked_for_again(served, download, target):
    assert "cannot be downloaded (the server answers 404" in refused(download(), target)
    assert len(served.asked) == 1


@pytest.mark.parametrize(
    ("disk", "why"),
    [("small_disk", "No space left on device"), ("read_only_disk", "Read-only file system")],
)
def test_a_disk_that_takes_nothing_is_one_sentence(words, download, target, request, disk, why):
    folder = request.getfixturevalue(disk)
    target.parent.parent.mkdir(parents=True)
    target.parent.symlink_to(folder)
    sentence = refused(download(), target)
    assert sentence.endswith(f"{TARGET}: cannot be written ({why})")


def test_no_room_for_what_is_received_names_its_place(words, served, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(InputError, match=r"new/x: cannot be written \(No space left on device\)"):
        fetch(f"{served.mirror}/data.example.org/words.bin", tmp_path / "new" / "x")
    assert not list((tmp_path / "new").iterdir())


def test_two_jobs_that_fetch_one_file_both_end_well(served, words, download, target):
    served.faults += [Fault("*/words.bin", times=2, wait=1.0)]
    jobs = [download(start=True) for _ in range(2)]
    printed = [job.communicate(timeout=120)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], printed
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["words.bin"]


def test_a_proxy_is_asked(served, words, download, target):
    with forwarding_proxy(served.endpoint.removeprefix("http://")) as (proxy, seen):
        through = {"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}
        mirror = "http://mirror.invalid/files"  # a name that the proxy alone knows
        status, printed = download(HIERARCAPS_MIRROR=mirror, **through)
    assert status == 0, printed
    assert seen == ["GET http://mirror.invalid/files/data.example.org/words.bin"]
    assert target.read_bytes() == CONTENT


def test_a_proxy_that_refuses_is_one_sentence(download, target, served):
    with forwarding_proxy(served.endpoint.removeprefix("http://")) as (proxy, seen):
        through = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "", "no_proxy": ""}
        sentence = refused(download(HIERARCAPS_MIRROR="", **through), target)
    assert seen == ["CONNECT data.example.org:443"]
    assert f"{ADDRESS}: cannot be downloaded (Tunnel connection failed: 403" in sentence


def test_no_network_at_all_is_one_sentence(download, target):
    sentence = refused(download(HIERARCAPS_MIRROR="http://mirror.invalid"), target)
    assert "http://mirror.invalid/data.example.org/words.bin: cannot be downloaded" in sentence
    assert sentence.endswith(f"a copy can be put in place as {TARGET}")
