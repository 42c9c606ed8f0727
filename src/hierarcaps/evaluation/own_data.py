"""One task on a user's own data, without a test set of hierarchies."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.evaluation.probe import SETTINGS
from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks.protocol import Task
from hierarcaps.models.embed import embed_images, embed_texts
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.models.entry import as_entry
from hierarcaps.models.registry import load_model
from hierarcaps.models.roots import find_root


def evaluate_task(
    entry: str | Mapping[str, Any], task: Task, device: str = "auto", batch_size: int = 256
) -> pd.DataFrame:
    """Return a row per metric of a task that needs no test set.

    Args:
        entry: the model, as :func:`hierarcaps.models.entry.as_entry` takes it.
        task: of :func:`hierarcaps.evaluation.tasks.own.own_task`.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: texts or images that are embedded at once.

    Returns:
        ``metric``, ``value``, its 95% interval ``low`` and ``high``, and ``n``.

    Raises:
        InputError: a model or an image that cannot be used.
    """
    entry = as_entry(entry)
    encoder = load_model(entry, device=device)
    strings = sorted(set(task.strings([])))
    texts = embed_texts(encoder, ["", *strings], batch_size)
    store = EmbeddingNeeds((), () if task.image_set is None else (task.image_set,)).images()
    names: list[str] = [] if store is None else list(store.names)
    images = np.zeros((0, texts.shape[1]), dtype=np.float32)
    if store is not None:
        images = embed_images(encoder, store, names, batch_size)
    geometry, root = find_root(entry.get("root"), encoder.geometry, texts[0], texts[1:])
    embeddings = Embeddings(
        images=images, texts=texts[1:], root=root, names=tuple(names), strings=tuple(strings),
        provenance=encoder.provenance(), geometry=geometry,
    )  # fmt: skip
    table = task.items([], embeddings)
    rows = [
        {"metric": name, **interval_of(value, SETTINGS["bootstrap"], table["unit"])._asdict()}
        for name, value in task.values(table).items()
    ]
    found = pd.DataFrame(rows)
    return found[found["value"].notna()][["metric", "value", "low", "high", "n"]]
