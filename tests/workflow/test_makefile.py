"""make makes an environment of one Python, and anew where its folder or its Python is another."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout with a finished environment, as far as make sees."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    environment = tmp_path / ".venv"
    (environment / "lib" / "python3.11").mkdir(parents=True)
    command = f"command = /usr/bin/python3.11 -m venv {environment}\n"
    (environment / "pyvenv.cfg").write_text(f"home = /usr/bin\n{command}")
    (environment / "installed").touch()
    return tmp_path


def make(
    folder: Path, *arguments: str, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess:
    command = ["make", *arguments, ".venv/installed"]
    unwanted = ("MAKE", "PYTHON", "PIP", "UV")
    variables = {key: text for key, text in os.environ.items() if not key.startswith(unwanted)}
    variables["PATH"] = path
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


def python_of(folder: Path, version: str) -> Path:
    """A Python that says which it is, and can do nothing else."""
    minor = version.split(".")[1]
    python = folder / f"my-python{version}"
    python.write_text(f"#!/bin/sh\ntest {minor} -lt 11 || echo python{version}\n")
    python.chmod(0o755)
    return python


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_a_newer_python_makes_the_environment_when_it_is_asked_for(checkout, version):
    python = python_of(checkout, version)
    planned = make(checkout, "--dry-run", f"PYTHON={python}").stdout.splitlines()
    assert planned.index("rm -rf .venv") < planned.index(f"{python} -m venv .venv")
    (checkout / ".venv" / "lib" / "python3.11").rename(
        checkout / ".venv" / "lib" / f"python{version}"
    )
    assert "up to date" in make(checkout, "--dry-run", f"PYTHON={python}").stdout
    assert "up to date" in make(checkout, "--dry-run").stdout


def test_the_first_python_that_is_new_enough_is_taken(checkout):
    shutil.rmtree(checkout / ".venv")
    tools = checkout / "tools"
    tools.mkdir()
    for name in ("make", "cat", "mktemp", "sh", "touch"):
        (tools / name).symlink_to(shutil.which(name))
    for name, version in (("python3.11", "3.9"), ("python3", "3.12")):
        python_of(tools, version).rename(tools / name)
    planned = make(checkout, "--dry-run", path=str(tools)).stdout.splitlines()
    assert "python3 -m venv .venv" in planned
    (tools / "python3").unlink()
    result = make(checkout, path=str(tools))
    assert result.returncode == 2
    assert "Error: python3 is not Python 3.11 or newer" in result.stderr


def test_an_old_python_makes_nothing_and_is_told(checkout):
    shutil.rmtree(checkout / ".venv")
    old = python_of(checkout, "3.9")
    result = make(checkout, f"PYTHON={old}")
    assert result.returncode == 2
    assert f"Error: {old} is not Python 3.11 or newer" in result.stderr
    assert not (checkout / ".venv").exists()


def test_an_old_python_leaves_the_environment_of_another(checkout):
    os.utime(checkout / ".venv" / "installed", (0, 0))
    assert make(checkout, f"PYTHON={python_of(checkout, '3.9')}").returncode == 2
    assert (checkout / ".venv" / "installed").exists()


def test_uv_looks_where_pip_is_told_to_look(checkout):
    with (checkout / "Makefile").open("a", encoding="utf-8") as file:
        file.write("show:\n\t@echo $$UV_DEFAULT_INDEX $$UV_INDEX $$UV_FIND_LINKS\n")
    told = {"PIP_INDEX_URL": "https://a", "PIP_EXTRA_INDEX_URL": "https://b https://c",
            "PIP_FIND_LINKS": "/d /e", "PATH": os.environ["PATH"]}  # fmt: skip
    shown = subprocess.check_output(["make", "show"], cwd=checkout, env=told, text=True)
    assert shown.split() == ["https://a", "https://b", "https://c", "/d,/e"]


def test_without_a_home_that_can_be_written_caches_are_elsewhere(checkout):
    with (checkout / "Makefile").open("a", encoding="utf-8") as file:
        file.write("show:\n\t@echo $$XDG_CACHE_HOME\n")
    for home, elsewhere in ((checkout, False), (checkout / "absent", True)):
        variables = {**os.environ, "HOME": str(home)}
        variables.pop("XDG_CACHE_HOME", None)
        command = ["make", "--no-print-directory", "show"]
        shown = subprocess.check_output(command, cwd=checkout, env=variables, text=True).strip()
        assert Path(shown).is_dir() if elsewhere else shown == ""
