"""Two measured models on the same items: what differs, with intervals of the paired difference."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.evaluation.differences import paired_differences
from hierarcaps.evaluation.probe import SETTINGS
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.runtime.errors import InputError

# What two results must share, by what a reader is told of it.
_SHARED = {
    "data_sha256": "the same test set",
    "params_sha256": "the same evaluation settings",
}


def compare(first: str | Path, second: str | Path) -> pd.DataFrame:
    """Return what differs between two measured models on the same items, ``second - first``.

    Items vary more than two models on one item do: the interval of a paired difference is narrower
    than those of the two models suggest. Tasks are those that :func:`hierarcaps.evaluation.probe`
    measures, as far as both have them.

    Args:
        first: the folder of :func:`hierarcaps.evaluation.probe.probe`, or a run's own.
        second: likewise.

    Returns:
        A row per task and metric: ``task``, ``metric``, the values ``first`` and ``second``, their
        ``difference``, its 95% interval ``low`` and ``high``, and ``n``.

    Raises:
        InputError: a folder without results, or with several runs; results of two test sets,
            settings, or versions of a task.
    """
    folders = [find_run(each) for each in (first, second)]
    tasks = [
        task
        for task in all_tasks(SETTINGS)
        if all((folder / f"{task.name}.json").is_file() for folder in folders)
    ]
    values: list[dict[tuple[str, str], float]] = [{}, {}]
    for task in tasks:
        results = [_read(folder / f"{task.name}.json") for folder in folders]
        _check(task.name, folders, results)
        for own, result in zip(values, results, strict=True):
            metrics = result["metrics"].items()
            own |= {(task.name, name): metric["value"] for name, metric in metrics}
    table = paired_differences(tasks, folders[1], folders[0], SETTINGS["bootstrap"])
    keys = list(zip(table["task"], table["metric"], strict=True))
    for place, name in enumerate(("first", "second")):
        table.insert(2 + place, name, [values[place][key] for key in keys])
    return table


def find_run(folder: str | Path) -> Path:
    """Return the folder of the one run, no baseline, whose results are in ``folder`` or below it.

    Raises:
        InputError: there is none, or there are several.
    """
    found = sorted(
        path.parent
        for path in Path(folder).glob("**/ordering.json")
        if path.parent.parent.name != "baseline"
    )
    if not found:
        raise InputError(f"{folder}: found no results, expected what `probe --output` writes")
    if len(found) > 1:
        raise InputError(
            f"{folder}: found the results of {len(found)} runs, expected one: {found[0]} or another"
        )
    return found[0]


def _check(task: str, folders: list[Path], results: list[dict[str, Any]]) -> None:
    first, second = results
    if first["task_version"] != second["task_version"]:
        raise InputError(
            f"{folders[1]}: {task} is of version {second['task_version']}, but of version "
            f"{first['task_version']} in {folders[0]}; evaluate both again"
        )
    for key, what in _SHARED.items():
        if first["provenance"][key] != second["provenance"][key]:
            raise InputError(
                f"{folders[0]} and {folders[1]}: {task} was not measured alike, expected results "
                f"of {what}"
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _ = content["task_version"], content["metrics"]
        _ = [content["provenance"][key] for key in _SHARED]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: not a readable result file ({error})") from None
    return content
