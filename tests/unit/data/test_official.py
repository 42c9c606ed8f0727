"""The official test set is taken from a folder or a server, and only if it is the official one."""

import hashlib
import urllib.error
import urllib.request

import pytest

from hierarcaps.data.images import open_images
from hierarcaps.data.official import fetch_test_set
from hierarcaps.runtime.errors import InputError


def png(colour: str) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


FILES = {
    "hierarcaps_test.csv": b"id,captions,image_url\n0,a => b => c => d,a.png\n",
    "test_imgs/a.png": png("red"),
    "test_imgs/b.png": png("blue"),
}


@pytest.fixture
def checksums(tmp_path):
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in FILES.items()]
    (tmp_path / "list.sha256").write_text("\n".join(lines) + "\n")
    return tmp_path / "list.sha256"


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "official" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "official"


def fetch(checksums, tmp_path, directory=None):
    fetch_test_set(checksums, tmp_path / "out.csv", tmp_path / "out.parquet", directory)


def test_a_local_folder_is_checked_and_packed(checksums, folder, tmp_path):
    fetch(checksums, tmp_path, folder)
    assert (tmp_path / "out.csv").read_bytes() == FILES["hierarcaps_test.csv"]
    assert open_images(tmp_path / "out.parquet").names == ("a.png", "b.png")


def test_the_environment_names_the_folder(checksums, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HIERARCAPS_DATA", str(folder))
    fetch(checksums, tmp_path)
    assert (tmp_path / "out.parquet").exists()


def test_a_checkout_of_the_official_repository_serves_too(checksums, folder, tmp_path):
    (folder / "data").mkdir()
    (folder / "hierarcaps_test.csv").rename(folder / "data" / "hierarcaps_test.csv")
    (folder / "assets").mkdir()
    (folder / "test_imgs").rename(folder / "assets" / "test_imgs")
    fetch(checksums, tmp_path, folder)


def test_an_altered_file_is_refused(checksums, folder, tmp_path):
    (folder / "test_imgs" / "b.png").write_bytes(png("green"))
    with pytest.raises(InputError, match=r"test_imgs/b\.png: found SHA-256"):
        fetch(checksums, tmp_path, folder)
    assert not (tmp_path / "out.parquet").exists()


def test_a_missing_file_or_folder_is_named(checksums, folder, tmp_path):
    (folder / "test_imgs" / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png: no such file"):
        fetch(checksums, tmp_path, folder)
    with pytest.raises(InputError, match="no such folder"):
        fetch(checksums, tmp_path, tmp_path / "nowhere")


def test_no_network_is_one_sentence(checksums, tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise urllib.error.URLError("no route to host")

    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(InputError, match=r"no route to host.*HIERARCAPS_DATA"):
        fetch(checksums, tmp_path)
