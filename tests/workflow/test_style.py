"""The workflow's own contracts that no other tool checks."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


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
