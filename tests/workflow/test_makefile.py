"""make makes an environment of Python 3.11 alone, and anew where its folder is another."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout with a finished environment, as far as make sees."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    environment = tmp_path / ".venv"
    (environment / "lib" / "python3.11").mkdir(parents=True)
    command = f"command = /usr/bin/python3.11 -m venv {environment}\n"
    (environment / "pyvenv.cfg").write_text(f"home = /usr/bin\n{command}")
    (environment / "installed").touch()
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["make", *arguments, ".venv/installed"]
    variables = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def test_a_finished_environment_is_kept(checkout):
    assert "up to date" in make(checkout, "--dry-run").stdout


def test_a_change_of_the_requirements_is_installed_into_it(checkout):
    os.utime(checkout / ".venv" / "installed", (0, 0))
    planned = make(checkout, "--dry-run").stdout
    assert "pip install" in planned
    assert "rm -rf" not in planned


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_the_environment_of_another_folder_is_made_anew(checkout, tmp_path_factory, how):
    other = tmp_path_factory.mktemp("elsewhere") / "checkout"
    (shutil.move if how == "moved" else shutil.copytree)(checkout, other)
    planned = make(other, "--dry-run").stdout.splitlines()
    assert planned.index("rm -rf .venv") < next(
        i for i, x in enumerate(planned) if "venv .venv" in x
    )


def test_what_another_python_began_is_made_anew(checkout):
    (checkout / ".venv" / "lib" / "python3.12").mkdir()
    assert "rm -rf .venv" in make(checkout, "--dry-run").stdout


def test_another_python_makes_nothing_and_is_told(checkout):
    shutil.rmtree(checkout / ".venv")
    old = checkout / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make(checkout, f"PYTHON={old}")
    assert result.returncode == 2
    assert f"Error: {old} is not Python 3.11" in result.stderr
    assert not (checkout / ".venv").exists()


def test_without_a_home_that_can_be_written_caches_are_elsewhere(checkout):
    with (checkout / "Makefile").open("a", encoding="utf-8") as file:
        file.write("show:\n\t@echo $$XDG_CACHE_HOME\n")
    for home, elsewhere in ((checkout, False), (checkout / "absent", True)):
        variables = {**os.environ, "HOME": str(home)}
        variables.pop("XDG_CACHE_HOME", None)
        command = ["make", "--no-print-directory", "show"]
        shown = subprocess.check_output(command, cwd=checkout, env=variables, text=True).strip()
        assert Path(shown).is_dir() if elsewhere else shown == ""
