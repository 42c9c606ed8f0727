"""The study through Slurm: a cluster of this one machine, with two GPUs that do not exist.

Alignment with one objective and all that follows from it is made again on a finished small study,
through the cluster, and must give the same bytes.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from small_study import ROOT, outputs, snakemake

CLUSTER = Path(__file__).with_name("one_node_slurm.sh")
PROFILES = [ROOT / "profiles" / name / "config.yaml" for name in ("slurm", "gpu")]


@pytest.fixture
def slurm():
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("needs snakemake-executor-plugin-slurm (pip)")
    missing = [
        name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)
    ]
    if missing or os.geteuid():
        pytest.skip(
            f"needs to be root, with {', '.join(missing) or 'nothing else'} (Debian: slurmd)"
        )
    if Path("/etc/slurm/slurm.conf").exists():
        pytest.skip("this machine has a Slurm of its own")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        started = subprocess.run(
            [CLUSTER, "start", folder], stderr=subprocess.PIPE, text=True, check=False
        )
        if started.returncode:
            pytest.skip(f"Slurm does not start here: {started.stderr[-1000:]}")
        try:
            yield Path(folder)
        finally:
            subprocess.run([CLUSTER, "stop", folder], check=True)


def test_alignment_and_evaluation_through_slurm(slurm, finished_study, study):
    for folder in ("models", "results"):
        shutil.rmtree(study / folder / "rn-16" / "re")
    result = snakemake(
        study,
        *["--profile", "profiles/slurm", "--slurm-no-account"],
        *["--slurm-status-command", "squeue", "--seconds-between-status-checks", "1"],
        *["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20"],
        *["--", "all"],
    )
    assert len(re.findall(r"SLURM jobid|SLURM job id", result.stdout)) >= 10, result.stdout[-5000:]
    assert outputs(study) == outputs(finished_study)
    assert "Nothing to be done" in snakemake(study, "--", "all").stdout


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_gpus_are_for_rules_that_use_one(path):
    rules = "\n".join(file.read_text() for file in (ROOT / "workflow" / "rules").glob("*.smk"))
    asked = yaml.safe_load(path.read_text())["set-resources"]
    assert all(re.search(rf"^rule {name}:", rules, re.MULTILINE) for name in asked)
    assert all(resources["gpu"] == 1 for resources in asked.values())
    assert {"align", "embed", "write_seeds", "write_items", "train_hierarchy_model"} <= set(asked)
