"""DVC and Snakemake agree: whichever ran, the other has nothing to do, in every scenario of use.

Each test that runs anything works in a copy of one repository, made by `snakemake all` and
recorded by `dvc repro`.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from small_study import (
    change_params,
    copy,
    dvc,
    executed,
    git,
    make_repository,
    outputs,
    planned,
    run,
)

LEARNING_RATE = "alignment.objectives.ec.learning_rate"
# What follows when one objective is trained otherwise.
ALIGNED = {"align", "embed", "evaluate", "summarise", "compare_objectives", "compare_published"} | {
    "write_leaderboard"
}
REPORTED = {"describe_run", "render_report", "export_explorer", "write_index", "mirror_to_mlflow"}
# A model of the study by another name: no training, so that its test takes seconds.
ANOTHER = {"models": {"another": {"open_clip": "models/rn-16-untrained/seed{seed}"}}}


def commit(directory: Path, message: str) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", message)


def up_to_date(directory: Path) -> bool:
    """Whether neither DVC nor Snakemake has anything to do."""
    return "up to date" in dvc(directory, "status") and planned(directory) == set()


def assert_equal(one: Path, other: Path) -> None:
    """Both have the same files under data, models and results, byte for byte."""
    expected, found = outputs(one), outputs(other)
    assert expected.keys() == found.keys()
    assert [name for name in expected if expected[name] != found[name]] == []


@pytest.fixture(scope="module")
def recorded(finished_study, shared_directory) -> tuple[Path, str]:
    """The finished repository after its first `dvc repro`, pushed; and what that printed."""
    directory = shared_directory / "recorded"
    with FileLock(shared_directory / "recorded.lock"):
        if not (shared_directory / "recorded.txt").is_file():
            copy(finished_study, directory)
            dvc(directory, "remote", "add", "--default", "local", str(shared_directory / "remote"))
            (shared_directory / "recorded.txt").write_text(dvc(directory, "repro"))
            commit(directory, "Results")
            git(directory, "tag", "v1")
            dvc(directory, "push")
    return directory, (shared_directory / "recorded.txt").read_text()


@pytest.fixture
def repository(recorded, tmp_path) -> Path:
    return copy(recorded[0], tmp_path / "repository")


@pytest.fixture
def changeable(recorded) -> Iterator[Path]:
    """The repository itself, for tests that change its params.yaml and run nothing."""
    params = recorded[0] / "params.yaml"
    before = params.read_bytes()
    yield recorded[0]
    params.write_bytes(before)


def test_repro_after_all_runs_no_job_and_all_after_repro_neither(recorded):
    directory, output = recorded
    assert output.count("Nothing to be done") == 3  # stages
    assert executed(output) == set()
    assert (directory / "dvc.lock").is_file()
    assert up_to_date(directory)


def test_one_objective_changed_is_all_that_is_redone(repository):
    other = repository / "models/rn-16/re/seed0/open_clip_model.safetensors"
    before = other.stat().st_mtime_ns
    change_params(repository, {"alignment": {"objectives": {"ec": {"learning_rate": 0.01}}}})
    assert "params.yaml" in dvc(repository, "params", "diff")
    assert LEARNING_RATE in dvc(repository, "params", "diff")
    output = dvc(repository, "repro")
    assert executed(output) == ALIGNED | REPORTED
    assert other.stat().st_mtime_ns == before
    assert "Stage 'scenes' didn't change" in output
    assert up_to_date(repository)
    changed = json.loads(dvc(repository, "metrics", "diff", "v1", "--json"))["results/metrics.json"]
    assert {name.split(".")[1] for name in changed} == {"ec"}


@pytest.mark.parametrize(
    ("section", "changes", "stage"),
    [
        ("scenes", {"seed": 1}, "scenes"),
        ("pretrain", {"training": {"steps": 7}}, "models"),
        ("captions", {"kept": {"max_words": 40}}, "models"),
        ("nli", {"thresholds": {"entailment": 0.03}}, "models"),
        ("generation", {"production": {"captions": 150}}, "models"),
        ("alignment", {"recipe": {"max_steps": 3}}, "models"),
        ("models", ANOTHER["models"], "results"),
        ("test_set", {"name": "another name"}, "results"),
        ("probe", {"batch_size": 100}, "results"),
        ("evaluation", {"thresholds": 20}, "results"),
        ("report", {"examples": 11}, "results"),
    ],
)
def test_a_change_of_each_section_is_seen_by_both(changeable, section, changes, stage):
    targets = {"scenes": "scenes", "models": "models hierarchies", "results": "all"}
    change_params(changeable, {section: changes})
    status = json.loads(dvc(changeable, "status", "--json"))
    assert any(section in str(change) for change in status[stage])
    assert planned(changeable, *targets[stage].split())
    earlier = {"results": ["models", "hierarchies"], "models": ["scenes"], "scenes": []}[stage]
    assert not earlier or planned(changeable, *earlier) == set()


def test_a_model_is_added_and_removed(repository):
    summary = (repository / "results" / "summary.csv").read_bytes()
    change_params(repository, ANOTHER)
    output = dvc(repository, "repro")
    assert executed(output) == (ALIGNED | REPORTED) - {"align"}
    assert "another" in set(pd.read_csv(repository / "results" / "summary.csv")["model"])
    commit(repository, "Another model")
    git(repository, "tag", "v2")
    assert up_to_date(repository)

    change_params(repository, {"models": {"another": None}})
    output = dvc(repository, "repro")
    assert not executed(output) & {"align", "embed", "evaluate"}
    assert (repository / "results" / "summary.csv").read_bytes() == summary
    assert up_to_date(repository)
    commit(repository, "Without it")

    for tag in ("v1", "v2", "main"):
        git(repository, "checkout", "--quiet", tag)
        dvc(repository, "checkout")
        assert up_to_date(repository), tag
        models = set(pd.read_csv(repository / "results" / "summary.csv")["model"])
        assert ("another" in models) == (tag == "v2")


def test_a_checkout_of_other_code_and_back_redoes_nothing(repository):
    script = repository / "workflow" / "scripts" / "summarise.py"
    script.write_text(script.read_text() + "# changed\n")
    assert executed(dvc(repository, "repro")) >= {"summarise"}
    commit(repository, "Other code, same results")
    git(repository, "checkout", "--quiet", "v1")
    dvc(repository, "checkout")
    assert up_to_date(repository)


def test_a_clone_with_its_data_pulled_has_nothing_to_do(recorded, tmp_path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", recorded[0], clone)
    assert not (clone / "results").exists()
    dvc(clone, "pull")
    assert_equal(recorded[0], clone)
    assert up_to_date(clone)
    assert executed(dvc(clone, "repro")) == set()


def test_a_clone_without_data_makes_the_same_bytes_on_one_core(recorded, tmp_path):
    """Both that all runs where nothing is there, and that results do not depend on the cores."""
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", recorded[0], clone)
    output = run(clone, "taskset", "--cpu-list", "0", "dvc", "repro").stdout
    assert {"draw_scenes", "train_nli", "pretrain", "align", "render_report"} <= executed(output)
    log = next((clone / ".snakemake" / "log").glob("*.log")).read_text()
    assert "Provided cores: 1" in log
    assert_equal(recorded[0], clone)
    assert {"results/summary.csv", "results/reports/zero_shot.html"} <= outputs(clone).keys()
    assert planned(clone) == set()


def test_an_experiment_runs_aside_and_redoes_only_what_it_changes(repository):
    summary = (repository / "results" / "summary.csv").read_bytes()
    arguments = ["--name", "wider", "--set-param", f"{LEARNING_RATE}=0.01"]
    output = dvc(repository, "exp", "run", "--temp", *arguments)
    assert executed(output) == ALIGNED | REPORTED
    assert (repository / "results" / "summary.csv").read_bytes() == summary
    assert up_to_date(repository)
    assert LEARNING_RATE in dvc(repository, "params", "diff", "main", "wider")
    changed = json.loads(dvc(repository, "metrics", "diff", "main", "wider", "--json"))
    assert changed["results/metrics.json"]
    dvc(repository, "exp", "apply", "wider")
    assert up_to_date(repository)


def test_plots_are_drawn_without_the_network(changeable, tmp_path):
    change_params(changeable, {"evaluation": {"bootstrap": {"seed": 5}}})
    dvc(changeable, "plots", "diff", "v1", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)\s*=", page)
    assert "vegaEmbed('#" in page
    assert "hierarchical_retrieval" in page


def test_the_repository_under_test_is_this_one(tmp_path):
    make_repository(tmp_path)
    assert (tmp_path / "dvc.yaml").is_file()
    assert git(tmp_path, "status", "--porcelain") == ""
