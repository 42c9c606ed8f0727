"""A stand-in for conda where there is none and no network: enough for Snakemake, and no more.

It answers `conda info --json`, `conda --version`, `conda config --get channel_priority --json`,
`conda env create --file F --prefix P` and `conda clean`, which has nothing to do. Environments are
solved and linked by py-rattler from a local channel, which holds this machine's own Python and pip,
and nothing else; what an environment file lists for pip, uv installs from where pip finds it here.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))  # it is a program, too

from byte_code import link_byte_code
from run_uv import uv_command, uv_variables

CHANNEL_VARIABLE = "STAND_IN_CONDA_CHANNEL"
SUBDIR = "linux-64"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
LEFT_OUT = {"__pycache__", "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"}


def install(folder: Path) -> dict[str, str]:
    """Make the stand-in and its channel below ``folder``; return the environment that finds it."""
    tools = folder / "base" / "bin"
    tools.mkdir(parents=True)
    conda = tools / "conda"
    conda.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    conda.chmod(0o755)
    (tools / "activate").write_text('export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n')
    channel = folder / "channel"
    _make_channel(channel)
    return {
        **uv_variables(),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        CHANNEL_VARIABLE: channel.as_uri(),
    }


def _make_channel(channel: Path) -> None:
    from rattler.index import index_fs

    (channel / SUBDIR).mkdir(parents=True)
    base = Path(sys.base_prefix)
    library = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}))
    library = library.relative_to(base) if library.is_absolute() else library
    python = [Path("bin", f"python3.{sys.version_info.minor}")]
    python += _files(base, library, LEFT_OUT)
    _pack(channel, "python", VERSION, base, python, ["bin/python", "bin/python3"])
    pip = _files(base, library / "site-packages" / "pip", {"__pycache__"})
    _pack(channel, "pip", "1.0.0", base, pip)
    asyncio.run(index_fs(channel, write_zst=False, write_shards=False))


def _files(base: Path, folder: Path, left_out: set[str]) -> list[Path]:
    return [
        path.relative_to(base)
        for path in sorted((base / folder).rglob("*"))
        if path.is_file()
        and not left_out & set(path.relative_to(base / folder).parts)
        and path.suffix != ".a"
    ]


def _pack(
    channel: Path, name: str, version: str, base: Path, files: list[Path], links: Sequence[str] = ()
) -> None:
    index = {
        "name": name, "version": version, "build": "0", "build_number": 0, "subdir": SUBDIR,
        "depends": [] if name == "python" else ["python"],
    }  # fmt: skip
    paths = [{"_path": str(path), "path_type": "hardlink"} for path in files]
    paths += [{"_path": link, "path_type": "softlink"} for link in links]
    with (
        tempfile.TemporaryDirectory() as folder,
        tarfile.open(
            channel / SUBDIR / f"{name}-{version}-0.tar.bz2", "w:bz2", compresslevel=1
        ) as archive,
    ):
        for member, content in (
            ("index.json", index),
            ("paths.json", {"paths_version": 1, "paths": paths}),
        ):
            file = Path(folder) / member
            file.write_text(json.dumps(content))
            archive.add(file, f"info/{member}")
        for path in files:
            archive.add((base / path).resolve(), str(path))
        for link in links:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, files[0].name
            archive.addfile(member)


def main(arguments: list[str]) -> None:
    """Answer as conda does."""
    if arguments == ["--version"]:
        print("conda 24.11.0")
    elif arguments[0] == "info":
        base = str(Path(os.environ["PATH"].split(os.pathsep)[0]).parent)
        print(json.dumps({"conda_prefix": base, "root_prefix": base, "platform": SUBDIR}))
    elif arguments[0] == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif arguments[:2] == ["env", "create"]:
        values = dict(itertools.pairwise(arguments))
        _create(Path(values["--file"]), Path(values["--prefix"]))
    elif arguments[0] != "clean":
        sys.exit(f"the stand-in for conda knows no `conda {' '.join(arguments)}`")


def _create(file: Path, prefix: Path) -> None:
    import rattler

    content = yaml.safe_load(file.read_text())
    specs = [each for each in content["dependencies"] if isinstance(each, str)]
    pip = [each["pip"] for each in content["dependencies"] if isinstance(each, dict)]

    async def link() -> None:
        # Its own channel stands for every other.
        channels = [os.environ[CHANNEL_VARIABLE]]
        records = await rattler.solve(
            channels, specs, platforms=[SUBDIR, "noarch"], timestamp_policy="allow-missing"
        )
        await rattler.install(records, prefix, show_progress=False)

    asyncio.run(link())
    if pip:
        # Beside the file, as conda does: what it names in turn is relative to it.
        with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=file.parent) as requirements:
            requirements.write("\n".join(pip[0]) + "\n")
            requirements.flush()
            python = prefix / "bin" / "python"
            command = uv_command("pip", "install", "--python", python, "-r", requirements.name)
            subprocess.run(command, check=True, cwd=file.parent)
        link_byte_code(prefix)


if __name__ == "__main__":
    main(sys.argv[1:])
