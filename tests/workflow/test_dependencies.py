"""Rules name the modules that their scripts run, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from dependencies import _imported_files, code_of  # noqa: E402


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


def test_an_edit_concerns_the_rules_that_import_the_module_and_no_others():
    def rules(module: str) -> set[str]:
        path = str(Path("src", "hierarcaps", module))
        return {
            script.stem
            for script in (ROOT / "workflow" / "scripts").glob("[!_]*.py")
            if any(name.endswith(path) for name in code_of(script.name))
        }

    assert rules("losses.py") == {"align"}
    assert rules("tracking.py") == {"mirror_to_mlflow"}
    # The steps of the hierarchy pipeline share a package that imports none of them.
    assert rules("generation/llm.py") == {"write_seeds", "augment"}
    assert rules("generation/datasheet.py") == {"write_datasheet"}
    assert rules("generation/distillation.py") == {"train_hierarchy_model"}


@pytest.mark.parametrize(
    ("script", "module"),
    [
        ("align.py", "hierarcaps.alignment.run"),
        ("write_items.py", "hierarcaps.generation.steps.items"),
        ("summarise.py", "hierarcaps.evaluation.results"),
    ],
)
def test_what_a_script_really_loads_is_among_its_inputs(script, module):
    program = (
        f"import sys, {module}\n"
        "for name, each in sorted(sys.modules.items()):\n"
        "    if name.split('.')[0] == 'hierarcaps': print(each.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in result.stdout.split()}
    assert loaded
    assert loaded <= {Path(path).resolve() for path in code_of(script)}


def test_a_relative_import_is_an_error_and_one_for_type_checkers_does_not_count(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("if TYPE_CHECKING:\n    import hierarcaps.losses\nelse:\n    import x\n")
    assert _imported_files(module) == ()
    module = tmp_path / "relative.py"
    module.write_text("def f():\n    from . import losses\n")
    with pytest.raises(ValueError, match=r"relative\.py: line 2: a relative import"):
        _imported_files(module)


@pytest.mark.parametrize(
    "script", sorted(p.name for p in (ROOT / "workflow" / "scripts").glob("[!_]*.py"))
)
def test_scripts_are_thin(script):
    lines = (ROOT / "workflow" / "scripts" / script).read_text().splitlines()
    assert len(lines) <= 40
    assert all(Path(path).is_file() for path in code_of(script))
