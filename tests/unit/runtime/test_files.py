"""Files appear whole or not at all, and what a user can correct is one sentence."""

import errno
import os

import pytest

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path


def write(path, text="new", error=None):
    with atomic_path(path) as partial:
        partial.write_text(text)
        if error:
            raise error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_replaces_another(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    write(path, "old")
    write(path)
    assert path.read_text() == "new"
    assert names(path.parent) == ["table.csv"]


def test_after_an_error_the_old_file_is_there(tmp_path):
    path = tmp_path / "table.csv"
    write(path, "old")
    with pytest.raises(ZeroDivisionError):
        write(path, "half", ZeroDivisionError())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_what_a_killed_process_left_goes_and_no_more(tmp_path):
    ended = ".partial-999999999"  # more than there are processes
    living = f".partial-{os.getppid()}-table.csv"
    for name in (f"{ended}-table.csv", f"{ended}-other-table.csv", ".partial-x-table.csv", living):
        (tmp_path / name).touch()
    write(tmp_path / "table.csv")
    left = [f"{ended}-other-table.csv", ".partial-x-table.csv", living, "table.csv"]
    assert names(tmp_path) == sorted(left)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_or_closed_disk_is_one_sentence(tmp_path, number):
    path = tmp_path / "table.csv"
    with pytest.raises(InputError) as raised:
        write(path, "half", OSError(number, os.strerror(number)))
    assert str(raised.value) == f"{path}: cannot be written ({os.strerror(number)})"
    assert names(tmp_path) == []


def test_a_file_in_the_way_of_a_folder_is_one_sentence(tmp_path):
    (tmp_path / "folder").touch()
    with pytest.raises(InputError, match=r"table\.csv: cannot be written"):
        write(tmp_path / "folder" / "table.csv")


def test_errors_about_other_files_stay_what_they_are(tmp_path):
    error = PermissionError(errno.EACCES, "denied", "/elsewhere/input.csv")
    with pytest.raises(PermissionError, match="denied"):
        write(tmp_path / "table.csv", error=error)
