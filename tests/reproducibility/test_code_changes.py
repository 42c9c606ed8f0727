"""An edit redoes what the edited file takes part in; an edit undone, or a new date, nothing."""

import json
import os
from pathlib import Path

import pytest
from small_study import executed, planned, snakemake

EVALUATED = {"embed", "evaluate", "summarise", "compare_objectives", "compare_published"} | {
    "write_leaderboard"
}
PAGES = {"render_report", "export_explorer", "write_index"}


def edit_module(directory: Path, module: str) -> None:
    path = directory / "src" / "hierarcaps" / module
    path.write_text(path.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")


def edit_notebook(directory: Path, name: str) -> None:
    path = directory / "notebooks" / name
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][-1]["source"] += ["\n# edited"]
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("alignment/losses.py", {"align", "mirror_to_mlflow"} | EVALUATED | PAGES),
        ("runtime/tracking.py", {"mirror_to_mlflow"}),
        ("generation/datasheet.py", {"write_datasheet", "render_report", "write_index"}),
        ("report/figures.css", {"render_report", "write_index"}),
        ("report/index/page.css", {"write_index"}),
        ("explorer/grid.js", {"export_explorer", "write_index"}),
    ],
)
def test_an_edited_module_redoes_the_rules_that_import_it(study, module, rules):
    if module.endswith(".py"):
        edit_module(study, module)
    else:
        path = study / "src" / "hierarcaps" / module
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert planned(study) == rules


def test_an_edited_notebook_is_rendered_anew_and_nothing_else(study):
    edit_notebook(study, "zero_shot.ipynb")
    result = snakemake(study, "--dry-run", "--quiet", "host", "--", "all")
    assert planned(study) == {"render_report", "write_index"}
    assert result.stdout.count("wildcards: notebook=zero_shot") == 1
    assert "wildcards: notebook=alignment" not in result.stdout


def test_an_edit_undone_redoes_nothing(study):
    path = study / "src" / "hierarcaps" / "alignment" / "losses.py"
    before = path.read_text(encoding="utf-8")
    edit_module(study, "alignment/losses.py")
    path.write_text(before, encoding="utf-8")
    for touched in ("workflow/scripts/align.py", "notebooks/zero_shot.ipynb", "params.yaml"):
        os.utime(study / touched)
    assert planned(study) == set()


def test_a_review_of_the_test_set_trains_nothing_anew(study):
    (study / "review").mkdir()
    (study / "review" / "review.csv").touch()  # to plan, it needs not be filled in
    overlay = ("--configfile", "config/reviewed.yaml")
    redone = executed(snakemake(study, "--dry-run", *overlay, "--", "all").stdout)
    assert {"curate_test_set", "embed", "evaluate"} <= redone
    assert not redone & {"pretrain", "train_nli", "write_seeds", "train_hierarchy_model", "align"}
