"""MLflow mirrors the result files: one run each, replaced only where the files changed."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.tracking import EXPERIMENT, VIEW_TAG, Mirrored, mirror

RUN = Mirrored(
    key="rn/zeroshot/seed0",
    tags={"model": "rn"},
    params={"open_clip": "models/rn/seed{seed}", "seed": 0},
    files=["curve.csv", "ordering.json", "accuracy.json"],
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Absolute: MLflow keeps one connection for each address, whatever the current directory is.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "curve.csv").write_text(
        "step,split,loss,recall\n0,train,2.5,\n10,train,1.5,0.25\n10,validation,1.75,\n"
    )
    (tmp_path / "accuracy.json").write_text('{"all (%)": {"near miss": 0.5}, "name": "x"}')
    write_tau(tmp_path, 0.5)
    return tmp_path


def write_tau(folder, value):
    metric = {"value": value, "low": 0.4, "high": 0.6, "n": 10}
    content = {"task": "ordering", "metrics": {"tau_d": metric}}
    (folder / "ordering.json").write_text(json.dumps(content))


def stored_runs():
    import mlflow

    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client, client.search_runs([experiment.experiment_id])


def test_a_run_has_params_metrics_curves_and_artifacts(project):
    mirror([RUN])
    client, (run,) = stored_runs()
    assert run.info.run_name == "rn/zeroshot/seed0"
    assert run.data.tags["model"] == "rn"
    assert run.data.params == {"open_clip": "models/rn/seed{seed}", "seed": "0"}
    assert run.data.metrics["ordering.tau_d"] == 0.5
    assert run.data.metrics["accuracy.all ---.near miss"] == 0.5
    assert run.data.metrics["validation.loss"] == 1.75
    losses = client.get_metric_history(run.info.run_id, "train.loss")
    assert [(point.step, point.value) for point in losses] == [(0, 2.5), (10, 1.5)]
    artifacts = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert artifacts == set(RUN.files)


def test_only_changed_results_make_a_new_run(project):
    receipt = mirror([RUN])
    _, (first,) = stored_runs()
    assert mirror([RUN]) == receipt
    _, (same,) = stored_runs()
    assert same.info.run_id == first.info.run_id
    write_tau(project, 0.75)
    assert mirror([RUN]) != receipt
    _, (new,) = stored_runs()
    assert new.info.run_id != first.info.run_id
    assert new.data.metrics["ordering.tau_d"] == 0.75


def test_an_unreachable_server_is_one_sentence(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=r"MLflow at http://127\.0\.0\.1:9") as raised:
        mirror([RUN])
    assert "\n" not in str(raised.value)


def test_a_missing_database_driver_is_one_sentence_without_the_password(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    password = "secret"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{password}@localhost/runs")
    with pytest.raises(InputError, match=r"MLflow at postgresql://localhost/runs .*psycopg2") as e:
        mirror([RUN])
    assert "\n" not in str(e.value)
    assert password not in str(e.value)


def test_a_locked_database_is_one_sentence(project):
    subprocess.run([sys.executable, "-c", WRITER, "first"], check=True)
    with contextlib.closing(sqlite3.connect(project / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="database is locked: another process") as e:
            mirror([RUN])
    assert "\n" not in str(e.value)


WRITER = """
import multiprocessing, sys
import mlflow  # once, which takes longer than to write
from hierarcaps.runtime.tracking import Mirrored, mirror

def write(name):
    mirror([Mirrored(name, {"model": name}, {}, ["ordering.json"])])

process = multiprocessing.get_context("fork").Process
writers = [process(target=write, args=(name,)) for name in sys.argv[1:]]
for writer in writers:
    writer.start()
for writer in writers:
    writer.join()
sys.exit(any(writer.exitcode for writer in writers))
"""


def test_many_processes_use_a_database_for_the_first_time(project):
    names = [f"run {n}" for n in range(4)]
    subprocess.run([sys.executable, "-c", WRITER, *names], check=True)
    _, runs = stored_runs()
    assert {run.info.run_name for run in runs} == set(names)
    assert not list(project.glob(".partial-*"))


def test_the_experiment_groups_its_runs(project):
    mirror([RUN])
    client, _ = stored_runs()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    client.set_experiment_tag(experiment.experiment_id, VIEW_TAG, "{}")  # as by an older version
    mirror([RUN])
    view = json.loads(client.get_experiment_by_name(EXPERIMENT).tags[VIEW_TAG])
    assert [key["groupByData"] for key in view["groupBy"]["groupByKeys"]] == ["model", "objective"]
