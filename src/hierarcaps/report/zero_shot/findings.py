"""The sentences with which a notebook begins: what the numbers in ``results/`` allow, no more.

A sentence compares values only by their order and by whether their intervals overlap.
"""

from collections.abc import Sequence

from hierarcaps.report.study import (
    PRECISION,
    RECALL,
    TAU_D,
    TAU_D_CONTROLLED,
    Estimate,
    Key,
    Results,
    Run,
)
from hierarcaps.report.wording import count, listed, number, of_all, replications

FREQUENCY = "frequency"
TRIVIAL_RADII = {
    "words": "caption length in words",
    "characters": "caption length in characters",
    FREQUENCY: "word frequency",
}
RADIUS_CONTROLS = ("words", "characters", "shuffled")


def finding(results: Results) -> str:
    """Return one plain sentence: whether distance from the root orders the tiers, and how surely.

    Of each model before alignment: is its whole interval above what any control reaches?
    """
    controls = [*_trivial(results, TAU_D), *results.measured(*TAU_D, "untrained")]
    models = results.before_alignment(*TAU_D)
    if not models or not controls:
        return "Whether distance from the root orders the tiers was not measured beside a control."
    ceiling = max(estimate.high for _, estimate in controls)
    sentence = (
        f"Before any alignment, {of_all(_above_value(models, ceiling), len(models), 'model')} "
        "order general before specific captions better than any control does"
    )
    if controlled := results.before_alignment(*TAU_D_CONTROLLED):
        some = of_all(_above_value(controlled, 0.0), len(controlled), "model")
        sentence += f", and {some} order them where counting words is of no help"
    return f"{sentence} ({_intervals(results)})."


def _intervals(results: Results) -> str:
    """Return what means and intervals are over."""
    numbers = [
        len(results.trainings(model)) for model in {r.model for r in results.of_kind("model")}
    ]
    several = [number for number in numbers if number > 1]
    if not several:
        return "95% intervals over items; one training of each model"
    single = numbers.count(1)
    rest = f"; {count(single, 'model')} of one training over items alone" if single else ""
    return f"means over {replications(several, ())}, 95% intervals over trainings and items{rest}"


def _above_value(pairs: Sequence[tuple[Run, Estimate]], floor: float) -> int:
    return sum(estimate.low > floor for _, estimate in pairs)


def opening(results: Results) -> list[str]:
    """Return three plain-text sentences: order of tiers, what length explains, retrieval."""
    return [
        _ordering_sentence(results),
        _controlled_sentence(results),
        _retrieval_sentence(results),
    ]


def _ordering_sentence(results: Results) -> str:
    best = results.highest(*TAU_D)
    if best is None:
        return "The order of the tiers was not measured for any model in this run."
    test_set = results.info["test_set"]
    sentence = (
        f"On {count(test_set['n_items'], 'test hierarchy', 'test hierarchies')} "
        f"({test_set['source']}), distance from the root orders the four "
        f"tiers with τ_d = {best[1]} for {_standing(results, best[0], TAU_D)}"
    )
    return f"{sentence}{_beside_controls(results, TAU_D, _trivial(results, TAU_D))}."


def _controlled_sentence(results: Results) -> str:
    best = results.highest(*TAU_D_CONTROLLED)
    if best is None:
        return "No pair of tiers on which counting words is of no help was measured in this run."
    sentence = (
        "Where counting words is of no help (the more specific caption has no more words), τ_d is "
        f"{best[1]} for {_standing(results, best[0], TAU_D_CONTROLLED)}, where 0 means no order"
    )
    # Length is no control here: the pairs were chosen so that it cannot be right.
    frequency = [pair for pair in _trivial(results, TAU_D_CONTROLLED) if pair[0].model == FREQUENCY]
    return f"{sentence}{_beside_controls(results, TAU_D_CONTROLLED, frequency)}."


def _retrieval_sentence(results: Results) -> str:
    best = results.highest(*RECALL)
    if best is None:
        return "Retrieval of hierarchies was not measured for any model in this run."
    run, recall = best

    def mean(task: str, metric: str) -> Estimate | None:
        return results.pooled(run.model, run.objective, (task, metric))

    sentence = (
        f"From an image, {_standing(results, run, RECALL, 'recall ')} retrieves hierarchies with "
        f"recall {recall}"
    )
    if precision := mean(*PRECISION):
        sentence += f" and precision {precision}{_control_clause(results, run)}"
    if spread := _spread(results, RECALL):
        sentence += f"; untrained encoders have a recall of {spread}"
    if first := mean("retrieval", "image_to_text_r1"):
        sentence += f"; in standard image-to-text retrieval, {run.label} has R@1 = {first}"
    return f"{sentence}."


def _control_clause(results: Results, run: Run) -> str:
    """Say what precision and recall are when another radius takes the place of the model's."""
    parts = []
    for control in RADIUS_CONTROLS:
        precision, recall = (
            results.pooled(run.model, run.objective, ("radius_controls", f"{metric}_{control}"))
            for metric in ("precision", "recall")
        )
        if precision is None or recall is None:
            continue
        name = "its own radii shuffled" if control == "shuffled" else TRIVIAL_RADII[control]
        parts.append(f"{number(recall.value)} and {number(precision.value)} with {name}")
    if not parts:
        return ""
    return f"; with the same similarities but another radius they are {listed(parts)}"


def _trivial(results: Results, key: Key) -> list[tuple[Run, Estimate]]:
    """Return the baselines that put a property of the text in place of the radius."""
    return [pair for pair in results.measured(*key, "baseline") if pair[0].model in TRIVIAL_RADII]


def _standing(results: Results, run: Run, key: Key, what: str = "") -> str:
    """Name the best run and say what it was the best of."""
    measured = results.before_alignment(*key)
    if len(measured) == 1:
        return f"{run.label} (the only model)"
    low_run, low = min(measured, key=lambda pair: pair[1].value)
    of = count(len(measured), "model")
    return f"{run.label} (highest {what}of {of}; lowest: {number(low.value)}, {low_run.label})"


def _spread(results: Results, key: Key) -> str:
    """Return the range of a metric over the untrained controls, or an empty string."""
    values = [estimate.value for _, estimate in results.measured(*key, "untrained")]
    if not values:
        return ""
    if len(values) == 1:
        return f"{number(values[0])} (1 run)"
    return f"{number(min(values))} to {number(max(values))} ({len(values)} runs)"


def _beside_controls(results: Results, key: Key, trivial: Sequence[tuple[Run, Estimate]]) -> str:
    """Say what the controls give, and whether models do better; nothing where there are none."""
    parts = [f"{TRIVIAL_RADII[run.model]} gives {number(found.value)}" for run, found in trivial]
    if spread := _spread(results, key):
        parts.append(f"untrained encoders give {spread}")
    if not parts:
        return ""
    controls = [*trivial, *results.measured(*key, "untrained")]
    return f"; {listed(parts)}; {_above(results, key, controls)}"


def _above(results: Results, key: Key, controls: Sequence[tuple[Run, Estimate]]) -> str:
    """Say for how many models the interval lies above the controls', without overlap."""
    models = results.before_alignment(*key)
    ceiling = max(estimate.high for _, estimate in controls)
    above = of_all(_above_value(models, ceiling), len(models), "model")
    return f"the 95% interval is wholly above theirs for {above}"
