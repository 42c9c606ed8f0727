"""``make lock``: one version of every package, for Python 3.11 and newer, on any system.

``constraints.txt`` is resolved from pyproject.toml, and the conda environment of each rule from its
dependency group and from that. A version stays until it no longer fits; ``--upgrade`` takes the
newest of all. An environment lists all that is installed into it, since Snakemake makes it from a
copy of its file, from which no other file is found.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "constraints.txt"
PYTHON = "3.11"
SYSTEMS = ("linux", "darwin")
# torch itself names its CUDA libraries to the version, and a build for the CPU wants none.
LEFT_TO_TORCH = re.compile(r"(nvidia|cuda|triton)\b")
ENVIRONMENT = """\
# Made by `make lock`.
channels:
  - conda-forge
dependencies:
  - python={python}
  - pip
  - pip:
{requirements}
"""


def main() -> None:
    """Write the lock, and the environments from it."""
    _resolve("pyproject.toml", "--extra", "workflow", "--extra", "dev", "--output-file", LOCK.name,
             "--custom-compile-command", "make lock", *sys.argv[1:])  # fmt: skip
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name in project["dependency-groups"]:
        found = _resolve("--group", name, "--constraints", LOCK.name, "--no-header").splitlines()
        lines = "\n".join(f"      - {line}" for line in _of_environment(found))
        content = ENVIRONMENT.format(python=PYTHON, requirements=lines)
        (ROOT / "workflow" / "envs" / f"{name}.yml").write_text(content, encoding="utf-8")


def _resolve(*arguments: str) -> str:
    """Return what uv resolves, without a build's own version, an address or a hash in it."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"]
    command += ["--python-version", PYTHON, "--no-annotate", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _of_environment(lines: list[str]) -> Iterator[str]:
    """Yield the lines that concern an environment, with a condition where it names a system."""
    for line in lines:
        requirement = Requirement(line)
        place = {"implementation_name": "cpython", "platform_python_implementation": "CPython",
                 "platform_machine": "x86_64", "python_full_version": f"{PYTHON}.15"}  # fmt: skip
        marker = requirement.marker
        needed = [marker is None or marker.evaluate({**place, "sys_platform": system})
                  for system in SYSTEMS]  # fmt: skip
        if any(needed) and not LEFT_TO_TORCH.match(line):
            yield line.split(" ;")[0] if all(needed) else line


if __name__ == "__main__":
    main()
