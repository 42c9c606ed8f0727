"""Published files come from a mirror where one is named, with the same hashes."""

import hashlib

import pytest

from hierarcaps.data.downloads import Download, fetch_downloads, read_downloads
from hierarcaps.data.mirror import mirror, mirrored
from hierarcaps.data.official import URL, fetch_test_set, read_checksums
from hierarcaps.runtime.errors import InputError

ADDRESS = "https://data.example.org/~k/words.txt"
SHA256 = hashlib.sha256(b"duck bird\n").hexdigest()


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """A folder that is a mirror of one file."""
    place = tmp_path / "a copy" / "data.example.org" / "~k"
    place.mkdir(parents=True)
    (place / "words.txt").write_text("duck bird\n")
    monkeypatch.setenv("HIERARCAPS_MIRROR", (tmp_path / "a copy").as_uri())
    return tmp_path / "a copy"


@pytest.mark.parametrize("base", ["https://mirror.org/all", "http://10.0.0.1:80/", "file:///srv/m"])
def test_an_address_has_its_place_in_a_mirror(monkeypatch, base):
    monkeypatch.setenv("HIERARCAPS_MIRROR", base)
    assert mirrored(ADDRESS) == f"{base.rstrip('/')}/data.example.org/~k/words.txt"
    assert mirrored("file:///srv/words.txt") == "file:///srv/words.txt"


@pytest.mark.parametrize("base", [None, "", "/"])
def test_without_a_mirror_addresses_are_their_own(monkeypatch, base):
    monkeypatch.delenv("HIERARCAPS_MIRROR", raising=False)
    if base is not None:
        monkeypatch.setenv("HIERARCAPS_MIRROR", base)
    assert mirror() is None
    assert mirrored(ADDRESS) == ADDRESS


@pytest.mark.parametrize(
    "base",
    ["mirror.org", "/srv/m", "ftp://a.org", "https://", "file://host/m", "http://a/?x=", "file:m"],
)
def test_what_is_no_address_is_refused(monkeypatch, tmp_path, base):
    monkeypatch.setenv("HIERARCAPS_MIRROR", base)
    wanted = Download(str(tmp_path / "words.txt"), ADDRESS, "", "", SHA256)
    with pytest.raises(InputError, match=r"HIERARCAPS_MIRROR: found '.*expected an address"):
        fetch_downloads([wanted])


def test_hashes_are_those_of_the_file_wherever_it_is(copies, tmp_path):
    target = tmp_path / "out" / "words.txt"
    fetch_downloads([Download(str(target), ADDRESS, "", "", SHA256)])
    assert target.read_text() == "duck bird\n"
    (copies / "data.example.org" / "~k" / "words.txt").write_text("another\n")
    other = tmp_path / "out" / "other.txt"
    with pytest.raises(InputError, match=f"expected {SHA256}"):
        fetch_downloads([Download(str(other), ADDRESS, "", "", SHA256)])
    assert not other.exists()


def test_the_official_test_set_comes_from_a_mirror_by_a_list_of_its_own(
    copies, tmp_path, monkeypatch
):
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    folder = copies / URL.removeprefix("https://")
    contents = {"data/hierarcaps_test.csv": b"id\n", "assets/test_imgs/a.jpg": b"picture"}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {name.split('/', 1)[1]}"
        for name, content in contents.items()
    ]
    (tmp_path / "own.sha256").write_text("\n".join(lines) + "\n")
    fetch_test_set(tmp_path / "own.sha256", tmp_path / "out.csv", tmp_path / "out.parquet")
    assert (tmp_path / "out.csv").read_bytes() == b"id\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        (f"{SHA256}  hierarcaps_test.csv\nduck\n", "line 2: expected a SHA-256"),
        (f"{SHA256}  ../x\n", "line 1: expected a SHA-256"),
        (f"{SHA256}  test_imgs/a.jpg\n", r"hierarcaps_test\.csv is not listed"),
    ],
)
def test_bad_lists_of_checksums_are_named(tmp_path, text, message):
    path = tmp_path / "own.sha256"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_checksums(path)


def test_a_list_of_versions_of_ones_own_keeps_the_published_addresses(tmp_path):
    path = tmp_path / "downloads.csv"
    header = "file,url,member,archive_sha256,sha256,git_blob\n"
    path.write_text(f"{header}data/published/words/words.txt,{ADDRESS},,,{SHA256},\n")
    (only,) = read_downloads(path)
    assert only.url == ADDRESS
