"""Runs the script of a rule as Snakemake does, in a process of its own, without a study."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# In the child: a clock on which a minute of patience is a moment, and what Snakemake hands over.
_CHILD = """
import json, runpy, sys, time, types
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.02))

class Names(list):
    def __init__(self, named):
        super().__init__(named.values())
        self.__dict__.update(named)

    def get(self, name, default=None):
        return self.__dict__.get(name, default)

script, job = sys.argv[1], json.loads(sys.argv[2])
parts = {name: Names(part) for name, part in job.items()}
snakemake = types.SimpleNamespace(rule="rule", threads=1, **parts)
sys.path.insert(0, script.rpartition("/")[0])
runpy.run_path(script, init_globals={"snakemake": snakemake}, run_name="__main__")
"""


def start_script(
    name: str, directory: Path, environment: Mapping[str, str], **parts: Mapping[str, Any]
) -> subprocess.Popen:
    """Start ``workflow/scripts/NAME`` in a directory.

    Args:
        name: of the script.
        directory: its working directory.
        environment: variables beside this process's own, of which proxies and the like are left.
        parts: ``input``, ``output``, ``params`` and ``wildcards``: name -> value.
    """
    (directory / "logs").mkdir(parents=True, exist_ok=True)
    job = {"input": {}, "output": {}, "params": {}, "wildcards": {}, "resources": {}, **parts}
    job["log"] = {"log": f"logs/{len(list((directory / 'logs').iterdir()))}.log"}
    script = ROOT / "workflow" / "scripts" / name
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(script), json.dumps(job)],
        cwd=directory,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_script(*arguments: Any, **parts: Any) -> tuple[int, str]:
    """Return the exit status and all that the script printed; see :func:`start_script`."""
    with start_script(*arguments, **parts) as process:
        printed, _ = process.communicate(timeout=120)
    return process.returncode, printed
