"""One model on one test set, beside what trivial baselines reach on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.evaluation.baselines import evaluate_baselines
from hierarcaps.evaluation.results import Run, summarise
from hierarcaps.evaluation.tasks.registry import evaluate
from hierarcaps.models.embed import embed_test_set
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.entry import as_entry
from hierarcaps.models.registry import load_text_encoder
from hierarcaps.runtime.torch_setup import choose_device

SETTINGS: dict[str, Any] = {"thresholds": 50, "bootstrap": {"resamples": 2000, "seed": 0}}
MODEL = Run("model", "zeroshot", 0)
BASELINES = {"words": "words", "characters": "characters", "random": "random vectors"}
"""Trivial baselines in the table, by their names among the results."""


def probe(
    entry: str | Mapping[str, Any],
    hierarchies: str | Path,
    images: str | Path | None,
    results: str | Path,
    device: str = "auto",
    batch_size: int = 256,
) -> pd.DataFrame:
    """Embed a test set, run every task that needs no other data, and write the result files.

    Args:
        entry: the model, as :func:`hierarcaps.models.entry.as_entry` takes it.
        hierarchies: table of items with four tiers and, where images are read, an image each.
        images: folder or Parquet file of their images; None for an encoder of texts alone, of which
            the tasks that read no image are run.
        results: folder of all results: metrics, the rows behind them, and the embeddings.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: texts or images that are embedded at once.

    Returns:
        A row per task and metric: ``task``, ``metric``, ``value``, its 95% interval ``low`` and
        ``high``, ``n``, and a column for each of ``BASELINES`` (NaN where it has no such metric).

    Raises:
        InputError: a table, image, model or device that cannot be used.
    """
    entry, target = as_entry(entry), choose_device(device)
    items = read_hierarchies(hierarchies)
    store = None if images is None else open_images(images)
    folder = MODEL.folder(results)
    path = folder / "embeddings.safetensors"
    encoder = load_text_encoder(entry, MODEL.seed, target)
    embed_test_set(encoder, items, store, path, batch_size, root=entry.get("root"))
    evaluate(items, read_embeddings(path), MODEL, SETTINGS, folder)
    evaluate_baselines(items, SETTINGS, results)
    table = summarise(sorted(folder.glob("*.json")))[
        ["task", "metric", "value", "low", "high", "n"]
    ]
    for name in BASELINES:
        baseline = summarise(sorted(Run(name, "baseline", 0).folder(results).glob("*.json")))
        values = baseline.set_index(["task", "metric"])["value"]
        table[name] = values.reindex(pd.MultiIndex.from_frame(table[["task", "metric"]])).to_numpy()
    return table
