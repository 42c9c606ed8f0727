"""The tasks that every model is probed with, each on embeddings alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierarcaps.evaluation.results import Run, write_result
from hierarcaps.evaluation.tasks import drawn_world
from hierarcaps.evaluation.tasks.classification import drawn_classification, folder_classification
from hierarcaps.evaluation.tasks.entailment import Entailment
from hierarcaps.evaluation.tasks.hierarchical import (
    HierarchicalRetrieval,
    RadiusControls,
    Traversal,
    read_pool,
)
from hierarcaps.evaluation.tasks.himo import GrowingCaptions, growing_captions
from hierarcaps.evaluation.tasks.hubness import HubCorrections, Hubness
from hierarcaps.evaluation.tasks.hyper3_entailment import Hyper3Entailment
from hierarcaps.evaluation.tasks.length_matched import LengthMatched
from hierarcaps.evaluation.tasks.lexical import hyperlex
from hierarcaps.evaluation.tasks.modality_gap import ModalityGap
from hierarcaps.evaluation.tasks.ordering import Chains, Ordering, ordering_table
from hierarcaps.evaluation.tasks.prolip_interpolation import ProLIPInterpolation
from hierarcaps.evaluation.tasks.protocol import Items, RadiusTask, Task
from hierarcaps.evaluation.tasks.retrieval import Retrieval, caption_retrieval
from hierarcaps.evaluation.tasks.roots import RootAblation
from hierarcaps.evaluation.tasks.sugar_crepe import sugar_crepe
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.files import sha256_json

__all__ = [
    "Chains", "Entailment", "HierarchicalRetrieval", "Items", "Ordering", "RadiusControls",
    "Retrieval", "Task", "Traversal", "all_tasks", "embedding_needs", "evaluate", "ordering_table",
]  # fmt: skip


def all_tasks(settings: Mapping[str, Any]) -> list[Task]:
    """Return the tasks that ``task_names`` lists, with their data read.

    Args:
        settings: the ``evaluation`` section of the parameters: ``thresholds``, and optionally
            ``protocols`` (of other projects) and, the data of further tasks, ``candidates``,
            ``drawn_world``, ``hyperlex``, ``captions``, ``classes``, ``growing_captions`` and
            ``sugar_crepe``.

    Raises:
        InputError: data that is named is absent or of another form.
    """
    world = settings.get("drawn_world")
    tasks: list[Task] = [
        HierarchicalRetrieval(settings["thresholds"]),
        Ordering(),
        Retrieval(),
        Chains(),
        Entailment(drawn_world.entails if world else None),
        Traversal(),
        RadiusControls(settings["thresholds"]),
        RootAblation(settings["thresholds"]),
        ModalityGap(),
        Hubness(settings["thresholds"]),
        HubCorrections(settings["thresholds"]),
    ]
    for name, path in settings.get("candidates", {}).items():
        pool = read_pool(name, path)
        tasks.append(HierarchicalRetrieval(settings["thresholds"], pool))
        tasks.append(Hubness(settings["thresholds"], pool))
    of_others: tuple[Task, ...] = (Hyper3Entailment(), ProLIPInterpolation(), GrowingCaptions())
    tasks += [task for task in of_others if task.name in settings.get("protocols", ())]
    if world:
        tasks += [
            LengthMatched(drawn_world.length_matched_pairs()),
            drawn_world.taxonomy_pairs(),
            drawn_classification(world["scenes"], world["templates"]),
        ]
    if "hyperlex" in settings:
        tasks.append(hyperlex(settings["hyperlex"]["file"], settings["hyperlex"]["template"]))
    for name, entry in settings.get("captions", {}).items():
        tasks.append(caption_retrieval(name, entry["captions"], entry["images"]))
    for name, entry in settings.get("classes", {}).items():
        tasks.append(folder_classification(name, entry))
    for name, entry in settings.get("growing_captions", {}).items():
        tasks.append(growing_captions(name, entry["captions"], entry["images"]))
    if "sugar_crepe" in settings:
        tasks.append(
            sugar_crepe(settings["sugar_crepe"]["files"], settings["sugar_crepe"]["images"])
        )
    return tasks


def embedding_needs(items: Items, settings: Mapping[str, Any]) -> EmbeddingNeeds:
    """Return the texts and images that the tasks need embedded beside the test set.

    They depend on the data that ``settings`` names, and not on how the tasks measure.
    """
    tasks = all_tasks({"thresholds": 2, **settings})
    strings = {text for task in tasks for text in task.strings(items)}
    image_sets = (task.image_set for task in tasks)
    return EmbeddingNeeds(
        tuple(sorted(strings.difference(*(item.tiers for item in items)))),
        tuple(each for each in image_sets if each is not None),
    )


def evaluate(
    items: Items,
    embeddings: Embeddings,
    run: Run,
    settings: Mapping[str, Any],
    folder: str | Path,
) -> None:
    """Run every task on one model's embeddings and write the result files to ``folder``.

    Embeddings without images, of an encoder of texts alone, answer the tasks that texts answer.
    """
    tasks = all_tasks(settings)
    if not embeddings.names:
        tasks = [task for task in tasks if isinstance(task, RadiusTask)]
    for task in tasks:
        provenance = task_provenance(task, items, embeddings.provenance)
        table = task.items(items, embeddings)
        write_result(folder, run, task, table, settings, provenance)


def task_provenance(task: Task, items: Items, model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hash of the test set, what the model is, and what the task says of its data."""
    data = sha256_json([[item.item_id, item.image, item.tiers] for item in items])
    own = dict(task.provenance(items))
    return {"data_sha256": data, "model": model, **({"task": own} if own else {})}
