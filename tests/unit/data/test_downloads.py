"""Published files: fetched with the right hash or not at all, and never over what is in place."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hierarcaps.data import downloads
from hierarcaps.data.downloads import (
    Download,
    by_data_set,
    fetch_downloads,
    files_at,
    read_downloads,
)
from hierarcaps.data.images import open_images
from hierarcaps.data.official import URL
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

# As `git hash-object` gives it for "duck bird" and the end of its line.
BLOB = "4a2badb879e2cc2d9c314c107a9991bbaa6e5868"
CONFIG = Path(__file__).resolve().parents[3] / "config" / "downloads.csv"


@pytest.fixture
def archives(tmp_path) -> dict[str, Path]:
    """Return a text, a zip and a tar that hold it, and a zip of pictures."""
    text = tmp_path / "words.txt"
    text.write_text("duck bird\n")
    zipped = tmp_path / "words.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("Words-Data/", "")
        file.writestr("Words-Data/Words.txt", "duck bird\n")
        file.writestr("Words-Data/other.txt", "other\n")
    tarred = tmp_path / "words.tar.gz"
    with tarfile.open(tarred, "w:gz") as file:
        file.add(text, "folder/words.txt")
    pictures = tmp_path / "pictures.zip"
    with zipfile.ZipFile(pictures, "w") as file:
        for name, colour in (("val/b.png", "red"), ("val/a.png", "blue"), ("train/c.png", "red")):
            png = io.BytesIO()
            Image.new("RGB", (4, 4), colour).save(png, "PNG")
            file.writestr(name, png.getvalue())
    return {"text": text, "zip": zipped, "tar": tarred, "pictures": pictures}


def _download(tmp_path, archive, name="out/words.txt", member="words.txt", **hashes) -> Download:
    hashes = {"archive_sha256": sha256_file(archive), "sha256": ""} | hashes
    return Download(str(tmp_path / name), archive.as_uri(), member, **hashes)


@pytest.mark.parametrize(
    ("kind", "member"), [("text", ""), ("zip", "words.txt"), ("tar", "words.txt")]
)
def test_a_file_comes_alone_or_out_of_an_archive(tmp_path, archives, kind, member):
    hashes = {"sha256": sha256_file(archives["text"])}
    fetch_downloads([_download(tmp_path, archives[kind], member=member, **hashes)])
    assert (tmp_path / "out" / "words.txt").read_text() == "duck bird\n"


def test_a_file_is_checked_by_the_hash_that_git_knows(tmp_path, archives):
    hashes = {"archive_sha256": "", "git_blob": BLOB}
    fetch_downloads([_download(tmp_path, archives["text"], member="", **hashes)])
    assert (tmp_path / "out" / "words.txt").read_text() == "duck bird\n"


def test_official_files_are_taken_from_a_local_copy(tmp_path, archives, monkeypatch):
    (tmp_path / "data").mkdir()
    archives["text"].rename(tmp_path / "data" / "words.csv.gz")
    url, place = f"{URL}/data/words.csv.gz", str(tmp_path / "out" / "words.csv.gz")
    for folder in (tmp_path, tmp_path / "data"):
        monkeypatch.setenv("HIERARCAPS_DATA", str(folder))
        fetch_downloads([Download(place, url, "", "", "", BLOB)])
        assert Path(place).read_text() == "duck bird\n"
        Path(place).unlink()
    with pytest.raises(InputError, match="is the git blob"):
        fetch_downloads([Download(place, url, "", "", "", "00")])


def test_pictures_become_one_file(tmp_path, archives):
    fetch_downloads([_download(tmp_path, archives["pictures"], "out/val.parquet", "val/")])
    store = open_images(tmp_path / "out" / "val.parquet")
    assert store.names == ("a.png", "b.png")
    assert store["b.png"].getpixel((0, 0)) == (255, 0, 0)


def test_an_archive_is_fetched_once(tmp_path, archives, monkeypatch):
    fetched = []

    def counted(url, *arguments, **options):
        fetched.append(url)
        return fetch(url, *arguments, **options)

    fetch = downloads.fetch
    monkeypatch.setattr(downloads, "fetch", counted)
    files = [
        _download(tmp_path, archives["zip"], f"out/{name}", name)
        for name in ("words.txt", "other.txt")
    ]
    fetch_downloads([*files, _download(tmp_path, archives["tar"], "out/third.txt")])
    assert fetched == [archives["zip"].as_uri(), archives["tar"].as_uri()]
    assert (tmp_path / "out" / "other.txt").read_text() == "other\n"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("zip", {"archive_sha256": "00"}, "expected 00"),
        ("zip", {"archive_sha256": "", "sha256": "11"}, "expected 11"),
        ("zip", {"git_blob": "22"}, f"is the git blob {BLOB}, expected 22"),
        ("zip", {"member": "none.txt"}, "has 0 members named none.txt"),
        ("text", {}, "not a whole zip or tar archive"),
        ("pictures", {"member": "test/"}, "no pictures in test/"),
    ],
)
def test_what_is_not_right_leaves_nothing(tmp_path, archives, kind, options, message):
    with pytest.raises(InputError, match=message):
        fetch_downloads([_download(tmp_path, archives[kind], **options)])
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("url", ["file:///nowhere/gone.zip", "no address"])
def test_an_absent_network_is_one_sentence(tmp_path, url):
    gone = Download(str(tmp_path / "x"), url, "x", "", "00")
    with pytest.raises(InputError, match=r"cannot be downloaded .*; a copy can be put in place as"):
        fetch_downloads([gone])


def test_the_list_names_https_addresses_and_hashes():
    files = read_downloads(CONFIG)
    assert len({each.file for each in files}) == len(files)
    for each in files:
        assert each.file.startswith("data/published/")
        assert all(len(sha) in (0, 64) for sha in (each.archive_sha256, each.sha256))
        assert len(each.git_blob) in (0, 40)
    assert set(by_data_set(files)) == {
        "hyperlex", "breeds_modified", "breeds_wordnet", "cifar10", "cifar100", "coco",
        "hierarcaps",
    }  # fmt: skip


def test_files_are_found_by_their_place():
    files = read_downloads(CONFIG)
    assert files_at(files, "data/published/cifar10") == [
        "data/published/cifar10/test_batch.bin",
        "data/published/cifar10/batches.meta.txt",
    ]
    coco = "data/published/coco/val2017.parquet"
    assert files_at(files, coco) == [coco]
    assert files_at(files, "data/my/photographs") == ["data/my/photographs"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("file,url\nx,y\n", "expected file,url,member"),
        ("{header}x,http://a.org/x,,,00,\n", "expected https"),
        ("{header}x,file:///etc/passwd,,,00,\n", "expected https"),
        ("{header}x,https://a.org/x,,,00,\n", "expected data/published/"),
        ("{header}data/published/a/x,https://a.org/x,,,,\n", "no hash"),
    ],
)
def test_bad_lists_are_named(tmp_path, row, message):
    path = tmp_path / "downloads.csv"
    path.write_text(row.format(header="file,url,member,archive_sha256,sha256,git_blob\n"))
    with pytest.raises(InputError, match=message):
        read_downloads(path)


def test_the_hashes_are_those_of_the_real_files(real_data):
    """What the list knows of single files holds for copies of them."""
    for each in read_downloads(CONFIG):
        copy = real_data / each.file.removeprefix("data/published/")
        if each.sha256 and copy.is_file():
            assert sha256_file(copy) == each.sha256, each.file
