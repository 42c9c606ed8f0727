import zipfile

import pytest

from hierarcaps.errors import InputError
from hierarcaps.files import sha256_file
from hierarcaps.generation.download import fetch


def test_a_file_and_a_member_of_a_zip(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("annotations/captions.json", "{}")
    fetch(archive.as_uri(), tmp_path / "x" / "c.json", "annotations/captions.json")
    assert (tmp_path / "x" / "c.json").read_text() == "{}"
    fetch(archive.as_uri(), tmp_path / "copy.zip", sha256=sha256_file(archive))
    assert (tmp_path / "copy.zip").read_bytes() == archive.read_bytes()


def test_failures_are_one_sentence_and_leave_nothing(tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("no zip")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("other", "")
    for url, options, message in [
        ((tmp_path / "none").as_uri(), {}, "cannot be downloaded"),
        ("no address", {}, "cannot be downloaded"),
        (text.as_uri(), {"sha256": "00"}, "expected 00"),
        (text.as_uri(), {"member": "m"}, "expected a zip file"),
        (archive.as_uri(), {"member": "m"}, "has no member m"),
    ]:
        with pytest.raises(InputError, match=message):
            fetch(url, tmp_path / "out" / "target", **options)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
