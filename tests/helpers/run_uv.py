"""Installing with uv, which pip's configuration is told to."""

import os
import subprocess
import sys
from functools import cache


@cache
def uv_variables() -> dict[str, str]:
    """Return what tells uv the folders of wheels that pip looks in."""
    told = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    configured = subprocess.run(told, capture_output=True, text=True, check=False).stdout
    folders = os.environ.get("PIP_FIND_LINKS", configured).split()
    return {"UV_FIND_LINKS": os.environ.get("UV_FIND_LINKS", ",".join(folders))}


def uv_command(*arguments: object) -> list[str]:
    """Return a command line of this environment's uv."""
    return [sys.executable, "-m", "uv", *map(str, arguments), "--quiet"]
