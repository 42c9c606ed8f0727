"""The sentences with which the leaderboard begins: who can be first, and what is not known."""

from collections.abc import Sequence

from hierarcaps.report.leaderboard.board import Model, ranked
from hierarcaps.report.study import METRICS, RECALL, TAU_D, Key
from hierarcaps.report.wording import count, listed

MOST_NAMES = 4


def opening(models: Sequence[Model]) -> list[str]:
    """Return three plain-text sentences: first by recall, first by order, and training on COCO."""
    return [_first(models, RECALL), _first(models, TAU_D), _coco(models)]


def _first(models: Sequence[Model], key: Key) -> str:
    field = ranked(models, key)
    if not field:
        return f"No model is ranked by {METRICS[key]} in this run."
    leaders = [model for model in field if model.scores[key].first == 1]
    value = f"{METRICS[key]} {field[0].scores[key]}"
    if len(leaders) == 1:
        return (
            f"By {METRICS[key]}, {field[0].label} is first of {len(field)} beyond noise: {value}."
        )
    names = [model.label for model in leaders[:MOST_NAMES]]
    if len(leaders) > MOST_NAMES:
        names.append(f"{len(leaders) - MOST_NAMES} more")
    return (
        f"By {METRICS[key]}, {len(leaders)} of {count(len(field), 'model')} can be first, since "
        f"noise does not tell them apart: {listed(names)}; the highest value is "
        f"{field[0].label}'s, {value}."
    )


def _coco(models: Sequence[Model]) -> str:
    trained = [model for model in models if model.kind == "model"]
    said = [model.facts["saw_coco"] for model in trained]
    return (
        f"Of {count(len(trained), 'model')}, {said.count('no')} did not see images of COCO in "
        f"training and {said.count('yes')} did; of {said.count(None)} it is not known."
    )
