"""Rules name the modules that their scripts run, and no others."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from dependencies import code_of  # noqa: E402


def names(script: str, notebook: str | None = None) -> set[str]:
    return {Path(path).name for path in code_of(script, notebook)}


def test_imports_are_followed_through_modules():
    assert {"evaluate.py", "_job.py", "tasks.py", "metrics.py", "geometry.py"} <= names(
        "evaluate.py"
    )


def test_unused_modules_are_left_out():
    assert not {"drawing.py", "plotting.py", "tracking.py"} & names("evaluate.py")


def test_a_notebook_brings_the_modules_of_its_cells():
    assert "plotting.py" in names("render_report.py", "zero_shot.ipynb")
    assert "plotting.py" not in names("render_report.py")


@pytest.mark.parametrize(
    "script", sorted(p.name for p in (ROOT / "workflow" / "scripts").glob("[!_]*.py"))
)
def test_scripts_are_thin(script):
    lines = (ROOT / "workflow" / "scripts" / script).read_text().splitlines()
    assert len(lines) <= 40
    assert all(Path(path).is_file() for path in code_of(script))
