"""The wheel and the sdist hold the package alone, and work where nothing else is.

Each environment is made from nothing with the wheel and the extras of its kind of user, and runs
the unit tests of what these promise, without the checkout's ``src``.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from byte_code import link_byte_code
from run_command import run_command
from run_uv import uv_command, uv_variables

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "tests" / "unit"
TOOLS = ["pytest", "hypothesis"]
# Whoever trains with the losses has no use for what reads tables and runs studies.
NOT_IN_CORE = {"pandas", "pyarrow", "pillow", "transformers", "open-clip-torch", "snakemake"}


def uv(*arguments: str | Path) -> None:
    variables = {"UV_CONSTRAINT": str(ROOT / "constraints.txt"), **os.environ, **uv_variables()}
    run_command(uv_command(*arguments), ROOT, variables, check=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The folder of a wheel and a sdist, built of a copy: a build writes into its sources."""
    folder = tmp_path_factory.mktemp("published")
    source = folder / "source"
    shutil.copytree(
        ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "results").mkdir()
    (source / "results" / "summary.csv").touch()
    uv("build", "--out-dir", folder / "dist", source)
    return folder / "dist"


@pytest.fixture
def wheel(published: Path) -> Path:
    (wheel,) = published.glob("*.whl")
    return wheel


def files_of_the_package() -> set[str]:
    return {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "hierarcaps").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_is_the_package(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    described = {name for name in names if re.match(r"hierarcaps-[\d.]+\.dist-info/", name)}
    assert names - described == files_of_the_package()
    assert {"hierarcaps/py.typed", "hierarcaps/explorer/page.html"} <= names
    assert {Path(name).name for name in described} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt", "top_level.txt",
    }  # fmt: skip


def test_the_sdist_is_its_source(published: Path):
    (sdist,) = published.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = [member.name.partition("/")[2] for member in archive if member.isfile()]
    own = {f"src/{name}" for name in files_of_the_package()}
    names = {name for name in files if not name.startswith("src/hierarcaps.egg-info/")}
    assert names == own | {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", "setup.cfg"}


class Environment:
    """A clean environment with the wheel, outside of the checkout."""

    def __init__(self, folder: Path, wheel: Path, extras: str = "") -> None:
        self.folder = folder
        uv("venv", "--python", sys.executable, folder / "venv")
        python = folder / "venv" / "bin" / "python"
        uv("pip", "install", "--python", python, f"hierarcaps{extras} @ {wheel.as_uri()}", *TOOLS)
        link_byte_code(folder / "venv")

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess:
        path = f"{self.folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        variables = {"HOME": str(self.folder), "OMP_NUM_THREADS": "1", "PATH": path}
        return run_command(command, self.folder, variables, check)

    def test(self, *tests: str) -> None:
        settings = ["--config-file", os.devnull, "--rootdir", UNIT, "-p", "no:cacheprovider"]
        helpers = f"pythonpath={ROOT / 'tests' / 'helpers'}"
        done = self.run("python", "-m", "pytest", *settings, "-o", helpers,
                        *(UNIT / name for name in tests))  # fmt: skip
        assert re.search(r"\d+ passed", done.stdout)
        assert "failed" not in done.stdout


@pytest.fixture(scope="module")
def core(tmp_path_factory, published: Path) -> Environment:
    return Environment(tmp_path_factory.mktemp("core"), next(published.glob("*.whl")))


def test_the_core_is_small_and_computes(core: Environment):
    code = "import hierarcaps as h, importlib.metadata as m, json; print(json.dumps([h.__file__, " \
        "[d.name for d in m.distributions()]]))"  # fmt: skip
    file, names = json.loads(core.run("python", "-c", code).stdout)
    assert Path(file).is_relative_to(core.folder)
    assert not NOT_IN_CORE & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    core.test("geometry/test_sphere.py", "metrics/test_ranking.py", "alignment/test_losses.py")


def test_the_core_says_what_a_command_needs(core: Environment):
    for command in (["--help"], ["probe", "ViT-B-32/openai"]):
        done = core.run("hierarcaps", *command, check=False)
        assert done.returncode == 1
        assert done.stdout.startswith("Error: the package typer is not installed")
        assert "hierarcaps[openclip] or hierarcaps[transformers]" in done.stdout
        assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("extra", "tests"),
    [
        ("openclip", ["models/test_open_clip.py"]),
        ("transformers", ["cli/test_probe.py::test_probe_of_a_users_own_model"]),
        (
            "openclip,transformers,export",
            ["publishing/test_model_folder.py", "publishing/test_crate.py"],
        ),
    ],
)
def test_an_extra_brings_what_its_models_need(extra, tests, wheel, tmp_path):
    Environment(tmp_path, wheel, f"[{extra}]").test(*tests)
