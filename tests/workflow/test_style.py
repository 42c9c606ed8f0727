"""The workflow's own contracts that no other tool checks."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "workflow" / "envs").glob("*.yml")))
def test_environments_agree_with_pyproject(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {*project["dependencies"], *project["optional-dependencies"]["workflow"]}
    python, _, pip = yaml.safe_load(path.read_text())["dependencies"]
    assert python == "python=3.11"
    assert set(pip["pip"]) <= pins


def test_every_parameter_is_explained():
    def leaves(section: dict, prefix: str = ""):
        for key, value in section.items():
            yield f"{prefix}{key}"
            if isinstance(value, dict) and prefix.count(".") < 1:
                yield from leaves(value, f"{prefix}{key}.")

    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    explained = (ROOT / "config" / "README.md").read_text()
    named = ("models.", "pretrain.variants.", "pretrain.architectures.")
    for key in leaves(params):
        if not key.startswith(named):
            assert f"`{key}`" in explained, f"config/README.md does not explain {key}"


def test_each_large_library_is_seen_by_its_own_rooms():
    source = ROOT / "src" / "hierarcaps"
    for path in source.rglob("*.py"):
        imports = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert "snakemake" not in imports, path
        assert "mlflow" not in imports or path.name == "tracking.py", path
        room = path.relative_to(source).parts[0]
        assert "open_clip" not in imports or room in ("models", "pretraining"), path
