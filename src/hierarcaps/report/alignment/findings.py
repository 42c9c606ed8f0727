"""The sentences with which the notebook on alignment begins: what changed, in either direction.

A change counts as up or down only where the one 95% interval of a model's paired difference, pooled
over its trainings or orders of the training items, excludes 0.
"""

from collections.abc import Sequence

from hierarcaps.report.changes import COMPARISONS, Alignment, direction
from hierarcaps.report.study import HEADLINE, METRICS, OBJECTIVES, Estimate, Key
from hierarcaps.report.wording import (
    count,
    listed,
    of_all,
    signed_interval,
    signed_span,
    span,
)


def finding(study: Alignment) -> str:
    """Return one plain sentence: in how many models RE moves what, and how surely."""
    comparison = ("re", "zeroshot")
    parts = []
    for key in HEADLINE:
        means = list(study.pooled_differences(comparison, key).values())
        if means:
            up, down = directions(means)
            parts.append(f"{METRICS[key]} {_moved(up, down, len(means))}")
    if not parts:
        return "What RE changes was not measured in this run."
    return (
        f"With RE, {listed(parts)} (means over {study.replications}, 95% intervals over "
        f"{study.varied})."
    )


def _moved(up: int, down: int, models: int) -> str:
    """Return ``rises in all 3 models`` and the like."""
    if not up and not down:
        return f"moves in {of_all(0, models, 'model')}"
    moves = ((up, "rises"), (down, "falls"))
    return listed([f"{verb} in {of_all(some, models, 'model')}" for some, verb in moves if some])


def opening(study: Alignment) -> list[str]:
    """Return three plain-text sentences: what RE changes, what EC changes, RE against EC."""
    return [_sentence(study, comparison) for comparison in COMPARISONS]


def _sentence(study: Alignment, comparison: Key) -> str:
    objective, reference = (OBJECTIVES[name] for name in comparison)
    parts = [part for key in HEADLINE if (part := _change(study, comparison, key))]
    if not parts:
        return f"{objective} was not compared with {reference} in this run."
    found = [study.pooled_differences(comparison, key) for key in HEADLINE]
    models = len({model for means in found for model in means})
    pooled = [mean for means in found for mean in means.values()]
    scope = (
        f"{count(models, 'model')}, means over {study.replications}, "
        f"n = {span(mean.n for mean in pooled)} items"
    )
    if comparison == ("re", "ec"):
        start = f"RE minus EC, aligned alike from the same checkpoints ({scope})"
    else:
        start = f"{objective} changes, against {reference} ({scope})"
    return f"{start}: {'; '.join(parts)}."


def _change(study: Alignment, comparison: Key, key: Key) -> str:
    """Return ``precision +0.010 to +0.034 (up in 2, down in 0 of 3 models)``."""
    means = list(study.pooled_differences(comparison, key).values())
    if not means:
        return ""
    text = f"{METRICS[key]} {signed_span(mean.value for mean in means)}"
    if len(means) == 1:
        return f"{text} {signed_interval(means[0].low, means[0].high)}"
    up, down = directions(means)
    return f"{text} (up in {up}, down in {down} of {len(means)} models)"


def directions(differences: Sequence[Estimate]) -> tuple[int, int]:
    """Return how many intervals lie wholly above 0, and how many wholly below."""
    found = [direction(difference) for difference in differences]
    return found.count(1), found.count(-1)
