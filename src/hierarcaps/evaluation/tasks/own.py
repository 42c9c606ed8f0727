"""Tasks on a user's own data, named in a word."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hierarcaps.evaluation.tasks.classification import folder_classification
from hierarcaps.evaluation.tasks.lexical import hyperlex
from hierarcaps.evaluation.tasks.protocol import Task
from hierarcaps.evaluation.tasks.retrieval import caption_retrieval
from hierarcaps.runtime.errors import InputError

TASKS = ("retrieval", "classification", "lexical")


def own_task(
    name: str,
    data: str | Path,
    images: str | Path | None = None,
    templates: Sequence[str] = (),
    superclasses: str | Path | None = None,
) -> Task:
    """Return a task on data of one's own, in the formats of the parameters' section ``evaluation``.

    Args:
        name: one of ``TASKS``.
        data: for ``retrieval`` a table ``image,caption`` or COCO's annotations (.json); for
            ``classification`` a folder with a folder of images for each class, or CIFAR's files;
            for ``lexical`` a file in HyperLex's format.
        images: for ``retrieval`` the folder or Parquet file of the images.
        templates: for ``classification`` the prompts, for ``lexical`` one; each with ``{}``.
        superclasses: for ``classification`` a table from classes to super-classes.

    Raises:
        InputError: an unknown task, an argument that it lacks or does not take, unusable data.
    """
    if name not in TASKS:
        raise InputError(f"task: found {name!r}, expected one of {', '.join(TASKS)}")
    given = {"images": images, "templates": templates, "superclasses": superclasses}
    takes = {
        "retrieval": ("images",),
        "classification": ("templates", "superclasses"),
        "lexical": ("templates",),
    }[name]
    for key, value in given.items():
        if value and key not in takes:
            raise InputError(
                f"task {name}: found {key}, expected {' and '.join(takes)} at the most"
            )
    if name == "retrieval":
        if images is None:
            raise InputError("task retrieval: found no images, expected their folder")
        return caption_retrieval("own", str(data), str(images))
    if name == "lexical":
        if len(templates) > 1:
            raise InputError(f"task lexical: found {len(templates)} templates, expected one")
        return hyperlex(str(data), templates[0] if templates else "{}")
    settings: dict[str, Any] = {
        "images": str(data),
        "templates": list(templates) or ["a photo of a {}."],
    }
    if superclasses is not None:
        settings["superclasses"] = str(superclasses)
    return folder_classification("own", settings)
