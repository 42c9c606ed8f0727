"""The sentences with which the notebook on alignment begins: what changed, in either direction.

A change counts as up or down only where the 95% interval of the paired difference excludes 0.
"""

from collections.abc import Sequence

from hierarcaps.report.changes import COMPARISONS, Alignment, direction
from hierarcaps.report.study import HEADLINE, METRICS, OBJECTIVES, Estimate, Key
from hierarcaps.report.wording import count, signed_interval, signed_span, span


def opening(study: Alignment) -> list[str]:
    """Return three plain-text sentences: what RE changes, what EC changes, RE against EC."""
    return [_sentence(study, comparison) for comparison in COMPARISONS]


def _sentence(study: Alignment, comparison: Key) -> str:
    objective, reference = (OBJECTIVES[name] for name in comparison)
    parts = [part for key in HEADLINE if (part := _change(study, comparison, key))]
    if not parts:
        return f"{objective} was not compared with {reference} in this run."
    pairs = [pair for key in HEADLINE for pair in study.differences(comparison, key)]
    models = len({run.model for run, _ in pairs})
    runs = len({run for run, _ in pairs})
    sizes = span(difference.n for _, difference in pairs)
    scope = f"{count(models, 'model')}, {count(runs, 'run')}, n = {sizes} items"
    if comparison == ("re", "ec"):
        start = f"RE minus EC, aligned alike from the same checkpoints ({scope})"
    else:
        start = f"{objective} changes, against {reference} ({scope})"
    return f"{start}: {'; '.join(parts)}."


def _change(study: Alignment, comparison: Key, key: Key) -> str:
    """Return ``precision +0.010 to +0.034 (up in 8, down in 0 of 9 runs)``."""
    pairs = study.differences(comparison, key)
    if not pairs:
        return ""
    models = dict.fromkeys(run.model for run, _ in pairs)
    means = [study.pooled_difference(comparison, key, model) for model in models]
    text = f"{METRICS[key]} {signed_span(mean.value for mean in means if mean is not None)}"
    up, down = directions([difference for _, difference in pairs])
    if len(pairs) == 1:
        only = pairs[0][1]
        return f"{text} {signed_interval(only.low, only.high)}"
    return f"{text} (up in {up}, down in {down} of {len(pairs)} runs)"


def directions(differences: Sequence[Estimate]) -> tuple[int, int]:
    """Return how many intervals lie wholly above 0, and how many wholly below."""
    found = [direction(difference) for difference in differences]
    return found.count(1), found.count(-1)
