"""MLflow: a mirror of result files. The only module that imports mlflow.

Files are the truth. A run is replaced only where its files changed. A local database appears with
its experiment or not at all, so that processes may use it for the first time at once.
"""

import contextlib
import csv
import json
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file, sha256_json
from hierarcaps.runtime.progress import progress

EXPERIMENT = "hierarcaps"
SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}mlflow.db"
ARTIFACTS = "mlartifacts"
KEY_TAG = "hierarcaps.run"
CONTENT_TAG = "hierarcaps.content"
# The page that `make mlflow` names: runs in groups, with means over the seeds of a group. MLflow's
# pages read such a view from a tag of the experiment.
VIEW = "grouped"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
GROUPED_BY = ("model", "objective")
SHOWN = [
    "metrics.`ordering.tau_d`",
    "metrics.`hierarchical_retrieval.precision`",
    "metrics.`hierarchical_retrieval.recall`",
    "metrics.`retrieval.image_to_text_r1`",
]
WIDTHS = {"attributes.`Run Name`": 300, **dict.fromkeys(SHOWN, 215)}  # pixels
DESCRIPTION = "Mirror of the result files; a run is one model, objective and seed."
BATCH = 1000  # the most metrics that a server takes at once
LONGEST_PARAM = 6000  # characters that a server takes


@dataclass(frozen=True)
class Mirrored:
    """What becomes one MLflow run.

    Attributes:
        key: its name, unique.
        tags: what runs are grouped by.
        params: what it was made with.
        files: its artifacts. Numbers of JSON files become metrics (of result files those under
            ``metrics``); columns of CSV files become curves against their column ``step``.
    """

    key: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    files: Sequence[str]


def mirror(runs: Sequence[Mirrored]) -> dict[str, str]:
    """Bring MLflow in line with the result files.

    Returns:
        The content hash of each mirrored run, by its key.

    Raises:
        InputError: the tracking server cannot be reached, or the database not be used: it is
            locked, or its driver is not installed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_TRACKING_URI", DEFAULT_URI)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    receipts = {}
    try:
        _create_local_database(mlflow.get_tracking_uri())
        client = mlflow.MlflowClient()
        experiment = _experiment(client)
        for run in progress(runs, "mirroring results to MLflow"):
            content = [[path, sha256_file(path)] for path in run.files]
            receipts[run.key] = sha256_json([content, dict(run.params)])
            _replace(client, experiment, run, receipts[run.key])
    except (MlflowException, SQLAlchemyError, sqlite3.Error, ModuleNotFoundError) as error:
        raise InputError(
            f"MLflow at {_shown(mlflow.get_tracking_uri())} (MLFLOW_TRACKING_URI) failed: "
            f"{_reason(error)}"
        ) from None
    return receipts


def _shown(uri: str) -> str:
    """Return an address without its user and password."""
    return re.sub(r"//[^/@]*@", "//", uri)


def _reason(error: Exception) -> str:
    reason = str(error).split("\n", 1)[0]
    if isinstance(error, ModuleNotFoundError):
        return f"{reason}: install the database's driver, {error.name}, beside mlflow"
    if "database is locked" in reason:
        return f"{reason}: another process is writing to it; wait for it, and start again"
    return reason


def _experiment(client: Any) -> str:
    """Return the experiment's id; create it where it is missing."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        from mlflow.exceptions import MlflowException

        try:
            # A server decides for itself where artifacts go.
            return client.create_experiment(EXPERIMENT, tags=_experiment_tags())
        except MlflowException:
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                raise
    view = _experiment_tags()[VIEW_TAG]
    if experiment.tags.get(VIEW_TAG) != view:  # an experiment of an older version
        client.set_experiment_tag(experiment.experiment_id, VIEW_TAG, view)
    return experiment.experiment_id


def _experiment_tags() -> dict[str, str]:
    keys = [{"mode": "tag", "groupByData": tag} for tag in GROUPED_BY]
    view = {
        "groupBy": {"aggregateFunction": "average", "groupByKeys": keys},
        "selectedColumns": SHOWN,
        "columnOrder": list(WIDTHS),
        "columnWidths": WIDTHS,
    }
    return {"mlflow.note.content": DESCRIPTION, VIEW_TAG: json.dumps(view)}


def _create_local_database(uri: str) -> None:
    """Create an SQLite database with the experiment in it, whole or not at all.

    MLflow builds a database in many steps: two processes that do so at once, or one that is killed
    meanwhile, would leave one that no process can use.
    """
    if not uri.startswith(SQLITE):
        return
    path = Path(uri.removeprefix(SQLITE))
    if path.exists():
        return
    import mlflow

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-mlflow-") as folder:
        new, whole = (Path(folder).resolve() / name for name in ("new.db", "whole.db"))
        # The artifacts lie beside the database.
        mlflow.MlflowClient(f"{SQLITE}{new}").create_experiment(
            EXPERIMENT,
            artifact_location=(path.parent / ARTIFACTS).resolve().as_uri(),
            tags=_experiment_tags(),
        )
        # A copy, since MLflow keeps the new one open.
        with (
            contextlib.closing(sqlite3.connect(new)) as source,
            contextlib.closing(sqlite3.connect(whole)) as target,
        ):
            source.backup(target)
        with contextlib.suppress(FileExistsError):  # another process was first
            os.link(whole, path)


def _replace(client: Any, experiment: str, run: Mirrored, content: str) -> None:
    """Write the run anew and then delete older ones of its key; do nothing where none changed."""
    older = client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{run.key}'")
    if any(
        old.data.tags.get(CONTENT_TAG) == content and old.info.status == "FINISHED" for old in older
    ):
        return
    tags = {KEY_TAG: run.key, **run.tags}
    run_id = client.create_run(experiment, run_name=run.key, tags=tags).info.run_id
    for name, value in run.params.items():
        client.log_param(run_id, name, str(value)[:LONGEST_PARAM])
    metrics = [metric for path in run.files for metric in _metrics(Path(path))]
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])
    for path in run.files:
        client.log_artifact(run_id, str(path))
    client.set_tag(run_id, CONTENT_TAG, content)
    client.set_terminated(run_id)
    for old in older:
        client.delete_run(old.info.run_id)


def _metrics(path: Path) -> Iterator[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                # Training and validation rows of one curve are curves of their own.
                split = row.pop("split", "training")
                step = int(row.pop("step"))
                for name, value in row.items():
                    if value:
                        yield Metric(f"{split}.{name}", float(value), now, step)
        return
    content = json.loads(path.read_text(encoding="utf-8"))
    prefix = path.stem
    if "metrics" in content:
        prefix = content["task"]
        content = {metric: each["value"] for metric, each in content["metrics"].items()}
    for name, value in _numbers(content, prefix):
        yield Metric(_allowed(name), float(value), now, 0)


def _numbers(content: Any, name: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of nested objects with the path that leads to them."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _numbers(value, f"{name}.{key}")
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield name, content


def _allowed(name: str) -> str:
    """Return a name with only what MLflow allows in one."""
    return "".join(c if c.isalnum() or c in "_-. /" else "-" for c in name)
