"""Jobs that compute on embeddings and tables start without deep-learning libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
# What these jobs need at all; others load torch when a model is opened, or at once.
LIGHT = [
    "compare_objectives", "compare_published", "curate_test_set", "describe_run", "draw_scenes",
    "evaluate", "evaluate_baselines", "export_explorer", "gather_captions", "gather_items",
    "list_embedding_needs", "pick_examples", "scale_scenes", "summarise", "write_index",
    "write_leaderboard",
]  # fmt: skip


@pytest.mark.parametrize("script", LIGHT)
def test_a_light_job_imports_no_torch(script: str):
    tree = ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8"))
    modules = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hierarcaps.")
    }
    assert modules
    heavy = "{'torch', 'open_clip', 'transformers', 'torchvision', 'mlflow'}"
    code = f"import sys, {', '.join(sorted(modules))}\nprint(*sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []
