"""Which tasks the parameters ask for, and which files they read, without reading any.

The project's tasks on the test set alone always run, protocols of other projects where
``evaluation`` lists them; a task with data of its own runs where ``evaluation`` names that data.
What is named and absent is an error when the task is made, never a silent gap.
"""

from collections.abc import Mapping
from typing import Any

TEST_SET_TASKS = (
    "hierarchical_retrieval", "ordering", "retrieval", "chains", "entailment", "traversal",
    "radius_controls", "root_ablation", "modality_gap", "hubness", "hub_corrections",
)  # fmt: skip
# On the test set with further candidates, a wider pool.
POOL_TASKS = ("hierarchical_retrieval", "hubness")
DRAWN_WORLD_TASKS = ("length_matched", "taxonomy_pairs", "classification")
# On the test set as well, by the protocols of other projects: run where ``protocols`` lists them.
PROTOCOLS_OF_OTHERS = ("hyper3_entailment", "prolip_interpolation", "himo_tiers")
TASK_DATA = (
    "candidates", "drawn_world", "hyperlex", "captions", "classes", "growing_captions",
    "sugar_crepe",
)  # fmt: skip
# Tasks that radii alone can answer: of a model without images, all that it is probed with.
RADIUS_TASKS = ("ordering", "chains", "entailment", "length_matched", "taxonomy_pairs", "hyperlex")
RADIUS_BASELINES = ("words", "characters", "frequency", "random_order")


def task_names(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the tasks, in their order.

    Args:
        settings: the ``evaluation`` section of the parameters.
    """
    return [
        *TEST_SET_TASKS,
        *(f"{task}_{name}" for name in settings.get("candidates", {}) for task in POOL_TASKS),
        *(name for name in PROTOCOLS_OF_OTHERS if name in settings.get("protocols", ())),
        *(DRAWN_WORLD_TASKS if "drawn_world" in settings else ()),
        *(["hyperlex"] if "hyperlex" in settings else ()),
        *(f"retrieval_{name}" for name in settings.get("captions", {})),
        *(f"classification_{name}" for name in settings.get("classes", {})),
        *(f"himo_{name}" for name in settings.get("growing_captions", {})),
        *(["sugar_crepe"] if "sugar_crepe" in settings else ()),
    ]


def text_tasks(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the tasks that read no image, in their order."""
    return [name for name in task_names(settings) if name in RADIUS_TASKS]


def baseline_tasks(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return for each trivial baseline the tasks that it can answer.

    Caption length, word frequency and a random order stand in for the radius; ``random`` stands in
    for a whole model.
    """
    return {
        **dict.fromkeys(RADIUS_BASELINES, text_tasks(settings)),
        "random": task_names(settings),
    }


def data_of_tasks(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the settings that names the data of further tasks."""
    return {key: settings[key] for key in TASK_DATA if key in settings}


def task_files(settings: Mapping[str, Any]) -> list[str]:
    """Return the files and folders that the tasks read, beside the test set."""
    files = [*settings.get("candidates", {}).values()]
    if "drawn_world" in settings:
        files.append(settings["drawn_world"]["scenes"])
    if "hyperlex" in settings:
        files.append(settings["hyperlex"]["file"])
    for kind in ("captions", "growing_captions"):
        for entry in settings.get(kind, {}).values():
            files += [entry["captions"], entry["images"]]
    for entry in settings.get("classes", {}).values():
        keys = ("images", "superclasses", "hierarchy", "is_a")
        files += [entry[key] for key in keys if key in entry]
    if "sugar_crepe" in settings:
        files += [settings["sugar_crepe"][key] for key in ("files", "images")]
    return files
