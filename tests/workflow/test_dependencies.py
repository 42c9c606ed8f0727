"""Rules name the modules that their scripts run, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dependencies import SOURCE, _needed_files, code_of, files_of

ROOT = Path(__file__).resolve().parents[2]


def names(script: str, *read: str) -> set[str]:
    return {
        str(path.relative_to(SOURCE / "hierarcaps" if SOURCE in path.parents else ROOT))
        for path in files_of(script, *read)
    }


def rules(file: str) -> set[str]:
    scripts = (ROOT / "workflow" / "scripts").glob("[!_]*.py")
    return {script.stem for script in scripts if file in names(script.name)}


def test_imports_are_followed_through_modules():
    followed = {"evaluation/tasks/registry.py", "metrics/hierarchy.py", "geometry/spaces.py"}
    assert followed | {"workflow/scripts/_job.py"} <= names("evaluate.py")


def test_unused_modules_are_left_out():
    unused = {"scenes/drawing.py", "report/zero_shot/figures.py", "runtime/tracking.py"}
    assert not unused & names("evaluate.py")


def test_a_notebook_brings_the_modules_of_its_cells():
    figures = "report/zero_shot/figures.py"
    assert figures in names("render_report.py", "notebooks/zero_shot.ipynb")
    assert figures not in names("render_report.py")


def test_code_is_named_inside_the_checkout_and_compared_by_content():
    file, digest = code_of("summarise.py")[0].split()
    assert (ROOT / file).is_file()
    assert len(digest) == 64


def test_an_edit_concerns_the_rules_that_import_the_module_and_no_others():
    assert rules("alignment/losses.py") == {"align"}
    assert rules("runtime/tracking.py") == {"mirror_to_mlflow"}
    # The steps of the hierarchy pipeline share a package that imports none of them.
    assert rules("generation/llm.py") == {"write_seeds", "augment"}
    assert rules("generation/preparation.py") == {"gather_captions", "sample_seed_captions"} | (
        {"sample_item_captions"}
    )
    assert rules("generation/datasheet.py") == {"write_datasheet"}
    assert rules("generation/distillation.py") == {"train_hierarchy_model", "ablate_augmentation"}


def test_a_style_concerns_the_pages_that_use_it():
    assert rules("report/index/page.css") == {"write_index"}
    assert rules("explorer/grid.js") == {"export_explorer"}
    assert rules("report/page.html.j2") == {"render_report"}


def test_every_asset_is_some_rules():
    known = set().union(
        *(names(each.name) for each in (ROOT / "workflow/scripts").glob("[!_]*.py"))
    )
    kinds = ("*.css", "*.html", "*.j2", "*.js")
    assets = {path for kind in kinds for path in (SOURCE / "hierarcaps").rglob(kind)}
    shown = {str(path.relative_to(SOURCE / "hierarcaps")) for path in assets}
    # The review page is made by hand, by `make review`.
    assert {name for name in shown - known if not name.startswith("review/")} == set()


@pytest.mark.parametrize(
    ("script", "module"),
    [
        ("align.py", "hierarcaps.alignment.run"),
        ("write_items.py", "hierarcaps.generation.steps.items"),
        ("summarise.py", "hierarcaps.evaluation.results"),
    ],
)
def test_what_a_script_really_loads_is_among_its_code(script, module):
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
    assert loaded <= set(files_of(script))


def test_a_relative_import_is_an_error_and_one_for_type_checkers_does_not_count(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        "if TYPE_CHECKING:\n    import hierarcaps.alignment.losses\nelse:\n    import x\n"
    )
    assert _needed_files(module) == ()
    module = tmp_path / "relative.py"
    module.write_text("def f():\n    from . import losses\n")
    with pytest.raises(ValueError, match=r"relative\.py: line 2: a relative import"):
        _needed_files(module)


@pytest.mark.parametrize(
    "script", sorted(p.name for p in (ROOT / "workflow" / "scripts").glob("[!_]*.py"))
)
def test_scripts_are_thin(script):
    lines = (ROOT / "workflow" / "scripts" / script).read_text().splitlines()
    assert len(lines) <= 40
    assert all(path.is_file() for path in files_of(script))
