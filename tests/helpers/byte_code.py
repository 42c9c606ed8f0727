"""Byte code for environments that tests make: compiling torch takes longer than most tests."""

import sysconfig
from pathlib import Path


def link_byte_code(environment: Path) -> None:
    """Link this environment's byte code into another, where it is good for equal files.

    Where a file is another after all, Python replaces the link.
    """
    (installed,) = environment.glob("lib/python*/site-packages")
    own = Path(sysconfig.get_path("purelib"))
    for compiled in own.rglob("*.pyc"):
        folder = installed / compiled.parent.relative_to(own)
        if folder.parent.is_dir():
            folder.mkdir(exist_ok=True)
            (folder / compiled.name).symlink_to(compiled)
