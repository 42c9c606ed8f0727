"""Trivial baselines: what caption length, word frequency and chance reach on the same items.

Length orders the tiers of most hierarchies without any model, so a tau_d means little without
these rows beside it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.evaluation.results import Run, write_result
from hierarcaps.evaluation.tasks.names import baseline_tasks
from hierarcaps.evaluation.tasks.protocol import Items, Radius, RadiusTask, Task
from hierarcaps.evaluation.tasks.registry import (
    all_tasks,
    embedding_needs,
    evaluate,
    task_provenance,
)
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import Embeddings

RANDOM_DIMENSION = 512
_WORD = re.compile(r"[^\W_]+")


def evaluate_baselines(
    items: Items,
    settings: Mapping[str, Any],
    results: str | Path,
    corpus: Sequence[str] | None = None,
) -> None:
    """Write the results of every trivial baseline, on every task that it can answer.

    Args:
        items: the test set.
        settings: the ``evaluation`` section of the parameters.
        results: folder of all results.
        corpus: captions whose words are counted for the frequency baseline, such as those a model
            was trained on; by default the most specific captions of the test set.
    """
    seed = settings["bootstrap"]["seed"]
    counted = "the captions given" if corpus else "the most specific captions of the test set"
    rare = rarity(corpus or (item.tiers[-1] for item in items))
    radii: dict[str, tuple[str, Callable[[str], Radius]]] = {
        "words": ("length in words", lambda _: _each(lambda text: len(text.split()))),
        "characters": ("length in characters", lambda _: _each(len)),
        "frequency": (f"rarity of the rarest word in {counted}", lambda _: _each(rare)),
        "random_order": ("a random order", lambda task: _random_order(seed, task)),
    }
    tasks = {task.name: task for task in all_tasks(settings)}
    for name, (description, radius) in radii.items():
        run = Run(name, "baseline", 0)
        for task in baseline_tasks(settings)[name]:
            model = {"baseline": description}
            _evaluate_radius(items, tasks[task], radius(task), run, model, settings, results)
    run = Run("random", "baseline", 0)
    embeddings = random_embeddings(items, seed, embedding_needs(items, settings))
    evaluate(items, embeddings, run, settings, run.folder(results))


def _each(function: Callable[[str], float]) -> Radius:
    return lambda texts: np.array([function(text) for text in texts], dtype=float)


def _random_order(seed: int, task: str) -> Radius:
    """Draw a radius at each call, for each text anew; no task's draw depends on the others'."""
    rng = np.random.default_rng([seed, *task.encode()])
    return lambda texts: rng.random(len(texts))


def rarity(corpus: Iterable[str]) -> Callable[[str], float]:
    """Return the frequency baseline's radius of a text: ``-log p`` of its rarest word.

    A text is as specific as its rarest word. Unlike the sum over words, which grows with each word,
    this is no second measure of length. A word's probability is the share of captions that have it,
    with one added to each count, so that words that no caption has are the rarest.

    The corpus must not know the hierarchies: in a pool of all tiers general words are frequent only
    because every chain starts with one. Ordinary captions, such as the most specific tiers, do not
    leak the order in this way.
    """
    counts: Counter[str] = Counter()
    captions = 0
    for caption in corpus:
        counts.update(set(_words(caption)))
        captions += 1

    def radius(text: str) -> float:
        return max(
            (-math.log((counts[word] + 1) / (captions + 1)) for word in _words(text)), default=0.0
        )

    return radius


def _words(text: str) -> Sequence[str]:
    return _WORD.findall(text.casefold())


def _evaluate_radius(
    items: Items,
    task: Task,
    radius: Radius,
    run: Run,
    model: Mapping[str, Any],
    settings: Mapping[str, Any],
    results: str | Path,
) -> None:
    if not isinstance(task, RadiusTask):
        raise TypeError(f"task {task.name} needs more than radii")
    table = task.items_of_radius(items, radius)
    provenance = task_provenance(task, items, model)
    write_result(run.folder(results), run, task, table, settings, provenance)


def random_embeddings(items: Items, seed: int, needs: EmbeddingNeeds | None = None) -> Embeddings:
    """Return unit vectors drawn uniformly from the sphere for every image, text and the root."""
    rng = np.random.default_rng(seed)
    needs = needs or EmbeddingNeeds()
    names = tuple(dict.fromkeys(item.image or "" for item in items))
    names += tuple(name for each in needs.image_sets for name in each.names)
    strings = tuple(sorted({tier for item in items for tier in item.tiers}.union(needs.strings)))

    def unit(count: int) -> np.ndarray:
        vectors = rng.standard_normal((count, RANDOM_DIMENSION)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return Embeddings(
        images=unit(len(names)),
        texts=unit(len(strings)),
        root=unit(1)[0],
        names=names,
        strings=strings,
        provenance={"baseline": "random unit vectors", "seed": seed},
    )
