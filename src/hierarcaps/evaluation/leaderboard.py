"""The leaderboard: every model by metric, with its interval, and the ranks that noise allows.

A rank is a range. Of two models one is better where the bootstrap 95% interval of their paired
difference, over the same items, excludes zero; else they are tied. A model's first possible rank is
one more than the number of models that are better, its last leaves those below that are worse.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hierarcaps.evaluation.cost import Weights
from hierarcaps.evaluation.differences import Measured, read_rows
from hierarcaps.evaluation.results import Run, interval_of
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.metrics.intervals import average, difference
from hierarcaps.models.remote import remote_weights
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import write_json

SCHEMA_VERSION = 1
"""Of ``leaderboard.json``: it rises whenever a key changes its meaning or goes."""
# Task and metric: means over items of the test set alone, of which more is better.
METRICS = (
    ("ordering", "tau_d"),
    ("ordering", "tau_d_length_controlled"),
    ("hierarchical_retrieval", "precision"),
    ("hierarchical_retrieval", "recall"),
    ("retrieval", "image_to_text_r1"),
    ("retrieval", "text_to_image_r1"),
)
TASKS = tuple(dict.fromkeys(task for task, _ in METRICS))

Key = tuple[str, str]  # task and metric


class Source(NamedTuple):
    """Where the result files of a model lie: its runs, seeds or orders, below a folder."""

    folder: Path
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Entry:
    """A model of the leaderboard: result files of its first run by task, and what all measured."""

    runs: tuple[Run, ...]
    results: Mapping[str, Mapping[str, Any]]
    measured: Mapping[Key, Measured]

    @property
    def provenance(self) -> Mapping[str, Any]:
        """The same in all result files of one run."""
        return next(iter(self.results.values()))["provenance"]


def write_leaderboard(
    runs: Iterable[Run],
    results: str | Path,
    study: Mapping[str, Any],
    known: Mapping[str, Weights],
    path: str | Path,
    submissions: str | Path | None = None,
) -> None:
    """Write ``leaderboard.json``, of ``workflow/schemas/leaderboard.yaml``.

    Args:
        runs: the evaluated runs and baselines; a model's seeds are averaged, item by item.
        results: folder of all results.
        study: ``test_set`` (its name), ``bootstrap`` (``seed``, ``resamples``), ``aligned_on`` and
            ``pretrained``: what each variant that the workflow makes was trained on.
        known: what is known of published weights, by their name
            (:func:`hierarcaps.evaluation.cost.read_weights`).
        path: the file.
        submissions: folder of results of others' models, laid out as ``results``. Those measured on
            other items or by another version of a task are left out, which is printed, as are those
            of a model that this study has.

    Raises:
        InputError: a table is missing, or two are not about the same rows.
    """
    entries = [_read(source) for source in _sources(runs, Path(results))]
    test_set = entries[0].provenance["data_sha256"]
    entries += _submitted(submissions, entries)
    bootstrap = study["bootstrap"]
    ranks = _ranks([each for each in entries if each.runs[0].kind == "model"], bootstrap)
    first = {each.runs[0].model: each for each in reversed(entries)}
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "test_set": {"name": study["test_set"], "data_sha256": test_set},
            "metrics": [{"task": task, "metric": metric} for task, metric in METRICS],
            "entries": [
                {
                    **_description(each, first[each.runs[0].model], study, known),
                    "scores": _scores(each, ranks, bootstrap),
                }
                for each in entries
            ],
        },
    )


def _sources(runs: Iterable[Run], folder: Path) -> list[Source]:
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.model, run.objective), []).append(run)
    return [Source(folder, tuple(each)) for each in grouped.values()]


def _submitted(folder: str | Path | None, own: Sequence[Entry]) -> list[Entry]:
    """Return the submitted models that were measured as the study's own were."""
    found = []
    versions = {key: value for each in own for key, value in _protocol(each).items()}
    for path in sorted(Path(folder).glob("*/zeroshot/seed0")) if folder else []:
        run = Run(path.parts[-3], "zeroshot", 0)
        entry = _read(Source(Path(folder or ""), (run,)))
        if any(each.runs[0].model == run.model for each in own):
            print(f"{path}: {run.model} is a model of this study: left out")
        elif any(versions[key] != value for key, value in _protocol(entry).items()):
            print(f"{path}: measured on other items, or by another version of a task: left out")
        else:
            found.append(entry)
    return found


def _protocol(entry: Entry) -> dict[str, Any]:
    versions = {task: result["task_version"] for task, result in entry.results.items()}
    return {"test set": entry.provenance["data_sha256"], **versions}


def _read(source: Source) -> Entry:
    """Read the tables of a model's runs: those of the tasks that it, or a baseline, can answer."""
    folder = source.runs[0].folder(source.folder)
    tasks = [task for task in all_tasks({"thresholds": 2}) if task.name in TASKS]
    if source.runs[0].kind == "baseline" or _text_only(folder):
        tasks = [task for task in tasks if (folder / f"{task.name}.parquet").is_file()]
    measured: dict[Key, Measured] = {}
    for task in tasks:
        tables = [
            read_rows(run.folder(source.folder) / f"{task.name}.parquet") for run in source.runs
        ]
        values = [task.values(table) for table in tables]
        units = _rows(tables[0])
        measured |= {
            (task.name, metric): Measured(average([each[metric] for each in values]), units)
            for name, metric in METRICS
            if name == task.name
        }
    found = {task.name: _read_result(folder / f"{task.name}.json") for task in tasks}
    return Entry(source.runs, found, measured)


def _text_only(folder: Path) -> bool:
    return bool(_read_result(folder / "ordering.json")["provenance"]["model"].get("text_only"))


def _read_result(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        return {key: result[key] for key in ("task_version", "provenance")}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a readable result file ({error})") from None


def _rows(table: pd.DataFrame) -> pd.Series:
    """Return the unit of each row, by what the row is about."""
    return table.set_index(table.columns[0])["unit"]


def _ranks(
    entries: Sequence[Entry], bootstrap: Mapping[str, int]
) -> dict[tuple[tuple[Run, ...], Key], list[int]]:
    """Return the first and the last possible rank of each model by each metric that it has."""
    ranks = {}
    for key in METRICS:
        field = [each for each in entries if _value(each, key, bootstrap) is not None]
        better = np.zeros((len(field), len(field)), dtype=bool)
        for i, first in enumerate(field):
            for j, second in enumerate(field[:i]):
                low, high = _difference(first, second, key, bootstrap)
                better[i, j], better[j, i] = low > 0, high < 0
        for place, entry in enumerate(field):
            first_rank = 1 + int(better[:, place].sum())
            ranks[entry.runs, key] = [first_rank, len(field) - int(better[place].sum())]
    return ranks


def _difference(
    first: Entry, second: Entry, key: Key, bootstrap: Mapping[str, int]
) -> tuple[float, float]:
    one, other = first.measured[key], second.measured[key]
    if not one.units.equals(other.units):
        raise InputError(
            f"{first.runs[0].model} and {second.runs[0].model} are not about the same rows of "
            f"{key[0]}, expected results of one test set; evaluate both again"
        )
    found = interval_of(difference(one.values, other.values), bootstrap, one.units)
    return found.low, found.high


def _value(entry: Entry, key: Key, bootstrap: Mapping[str, int]) -> dict[str, Any] | None:
    if key not in entry.measured:
        return None
    measured = entry.measured[key]
    found = interval_of(measured.values, bootstrap, measured.units)
    return None if np.isnan(found.value) else found._asdict()


def _scores(
    entry: Entry,
    ranks: Mapping[tuple[tuple[Run, ...], Key], list[int]],
    bootstrap: Mapping[str, int],
) -> list[dict[str, Any]]:
    return [
        {"task": key[0], "metric": key[1], **value, "rank": ranks.get((entry.runs, key))}
        for key in METRICS
        if (value := _value(entry, key, bootstrap)) is not None
    ]


def _description(
    entry: Entry, base: Entry, study: Mapping[str, Any], known: Mapping[str, Weights]
) -> dict[str, Any]:
    """Return what a model is, by its result file; what its training saw, by that of its base."""
    run = entry.runs[0]
    head = {
        "model": run.model,
        "objective": run.objective,
        "seeds": [each.seed for each in entry.runs],
        "kind": run.kind,
    }
    if run.kind == "baseline":
        nothing = ("geometry", "curvature", "parameters", "training", "saw_coco", "weights_sha256")
        return head | dict.fromkeys(nothing)
    model = entry.provenance["model"]
    training, saw_coco = _training(base.provenance["model"], study, known)
    if run.objective != "zeroshot" and training:
        training = f"{training}; then {study['aligned_on']}"
    lift = model.get("lift")
    return head | {
        "geometry": "hyperboloid" if lift else "sphere",
        "curvature": lift["curvature"] if lift else None,
        "parameters": model.get("parameters"),
        "training": training,
        "saw_coco": saw_coco,
        "weights_sha256": model.get("weights_sha256"),
    }


def _training(
    model: Mapping[str, Any], study: Mapping[str, Any], known: Mapping[str, Weights]
) -> tuple[str | None, str | None]:
    """Return what a checkpoint was trained on, and whether it saw COCO; None for not known."""
    parts = Path(model["name"]).parts
    if parts[0] == "models" and len(parts) == 3 and parts[1] in study["pretrained"]:
        return study["pretrained"][parts[1]], "no"
    weights = remote_weights(_entry(model))
    facts = known.get(weights.name) if weights else None
    return (facts.training or None, facts.saw_coco or None) if facts else (None, None)


def _entry(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of ``models:`` that a loaded model says it was asked for by."""
    name = model["name"]
    if "MERU" in model.get("class", ""):
        return {"meru": name}
    if model.get("text_only"):
        return {"text_only": name}
    if model.get("library", "").startswith("transformers"):
        return {"transformers": name}
    return {"open_clip": name, "pretrained": model.get("pretrained")}
