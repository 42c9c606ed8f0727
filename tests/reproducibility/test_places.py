"""Where a study lies decides nothing: it may move, to another depth too; a style is its page's."""

import shutil

import pytest
from job_table import Job
from planning import copy_of_checkout, plan


@pytest.mark.parametrize("place", ["beside", "some/folders/deeper"])
def test_a_study_that_was_moved_has_nothing_to_do(pretended, tmp_path, place):
    moved = shutil.copytree(pretended, tmp_path / place)
    assert plan(moved, {}) == []


@pytest.fixture
def checkout(tmp_path):
    return copy_of_checkout(tmp_path)


def test_another_clone_has_nothing_to_do(pretended, checkout):
    assert plan(pretended, {}, checkout) == []


def report_of(job: Job) -> str:
    return job.wildcards.removeprefix("notebook=") or job.rule


@pytest.mark.parametrize(
    ("file", "pages"),
    [
        ("report/index/page.css", {"write_index"}),
        ("explorer/page.css", {"export_explorer"}),
        (
            "report/page.css",
            {"dataset", "zero_shot", "alignment", "qualitative", "paper", "leaderboard"},
        ),
        ("report/dataset/tables.py", {"dataset"}),
        ("report/zero_shot/plane.py", {"zero_shot"}),
        ("report/qualitative/page.py", {"qualitative"}),
        ("report/leaderboard/figures.py", {"leaderboard"}),
    ],
)
def test_what_one_page_is_made_with_concerns_that_page_alone(pretended, checkout, file, pages):
    with (checkout / "src" / "hierarcaps" / file).open("a", encoding="utf-8") as edited:
        edited.write("\n")
    # The index shows what the pages are.
    planned = {report_of(job) for job in plan(pretended, {}, checkout)}
    assert planned - {"write_index", "all"} == pages - {"write_index"}
    assert "write_index" in planned
