"""What augmentation gives H: two of it, taught alike with and without the rows it added.

H is too costly to be trained twice at its full length. So both are trained for fewer steps, from
the same weights and settings, and write for the same captions of validation images; recombination
fills up either lesson to the same size.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.generation.distillation import train_hierarchy_model
from hierarcaps.generation.filtering import Thresholds
from hierarcaps.generation.negatives import write_positives
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.metrics.intervals import mean_interval
from hierarcaps.nli import NLIModel

WITH, WITHOUT = "with", "without"
DECODING = {"max_new_tokens": 48, "beams": 1}

IsRight = Callable[[Sequence[str]], bool]
"""Whether four tiers are right, where the truth is known."""


def compare_lessons(
    lessons: Mapping[str, Sequence[Sequence[str]]],
    captions: pd.DataFrame,
    settings: Mapping[str, Any],
    nli: NLIModel,
    thresholds: Thresholds,
    is_right: IsRight | None = None,
) -> dict[str, Any]:
    """Train an H on each lesson, and measure both on the same captions.

    Args:
        lessons: ``with`` and ``without``, accepted hierarchies, general -> specific.
        captions: columns ``caption`` and ``image``, none of which taught anything.
        settings: of ``train_hierarchy_model``.
        nli: the filter.
        thresholds: when it believes that a tier entails another.
        is_right: the oracle, which scores and filters nothing; None where there is none.

    Returns:
        ``steps``, ``taught`` (hierarchies per lesson) and per measure ``passed`` (share of the
        captions whose chain passes the filter) and ``right`` (of those whose chain passes and is
        right): ``with``, ``without`` and their paired ``difference``, each with its 95% interval
        over images. Nothing where there are no captions.
    """
    if captions.empty:
        return {}
    scores = {
        name: _scores(chains, captions, settings, nli, thresholds, is_right)
        for name, chains in lessons.items()
    }
    content: dict[str, Any] = {
        "steps": settings["steps"],
        "taught": {name: len(chains) for name, chains in lessons.items()},
    }
    for measure in scores[WITH]:
        values = {name: scores[name][measure].astype(float) for name in (WITH, WITHOUT)}
        values["difference"] = values[WITH] - values[WITHOUT]
        content[measure] = {
            name: mean_interval(each, settings["seed"], units=captions["image"])._asdict()
            for name, each in values.items()
        }
    return content


def _scores(
    chains: Sequence[Sequence[str]],
    captions: pd.DataFrame,
    settings: Mapping[str, Any],
    nli: NLIModel,
    thresholds: Thresholds,
    is_right: IsRight | None,
) -> dict[str, np.ndarray]:
    """Return bool (captions,) per measure, of an H that these hierarchies taught."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch, "h")
        train_hierarchy_model(chains, settings, folder, Path(scratch, "curve.csv"))
        h = HierarchyModel(str(folder), device=settings.get("device", "auto"))
    table = write_positives(captions, h, nli, thresholds, DECODING)
    passed = table["reason"].isna().to_numpy()
    if is_right is None:
        return {"passed": passed}
    right = [ok and is_right(tiers) for ok, tiers in zip(passed, table["tiers"], strict=True)]
    return {"passed": passed, "right": np.array(right, dtype=bool)}
