"""The leaderboard's tables: values with intervals beside possible ranks, and what each model is."""

from collections.abc import Sequence
from html import escape

from hierarcaps.report.leaderboard.board import NOT_KNOWN, Model, in_order, ranked
from hierarcaps.report.markup import Html, note, number_cell, table, two_lines
from hierarcaps.report.study import Key, heading
from hierarcaps.report.wording import span


def score_table(models: Sequence[Model], keys: Sequence[Key], title: str) -> Html:
    """Return a row per model, the best by the first metric first, then the controls."""
    by_rank = ranked(models, keys[0])
    controls = [
        model
        for model in models
        if model.kind != "model" and any(key in model.scores for key in keys)
    ]
    shown = [*by_rank, *controls]
    if not shown:
        return note(f"{title}: not measured in this run.")
    rows = [
        [_name(model), *(cell for key in keys for cell in _cells(model, key))] for model in shown
    ]
    sizes = {model.scores[key].n for model in shown for key in keys if key in model.scores}
    return table(
        title,
        f"Models by {heading(keys[0])}, then controls, which have no rank. A rank such as 2–4 is "
        "shared: noise does not tell. In brackets: bootstrap 95% interval over items, "
        f"n = {span(sizes)}.",
        ["Model", *(name for key in keys for name in ("Rank", heading(key)))],
        rows,
    )


def _cells(model: Model, key: Key) -> tuple[str, str]:
    score = model.scores.get(key)
    rank = f"<b>{score.rank}</b>" if score and score.first else "–"
    return rank, number_cell(score)


def _name(model: Model) -> str:
    return (
        escape(model.label) if model.kind == "model" else two_lines(escape(model.label), "control")
    )


def facts_table(models: Sequence[Model]) -> Html:
    """Return what each model is: geometry, size, training data, whether they had COCO."""
    shown = [*in_order(models), *(model for model in models if model.kind == "untrained")]
    if not shown:
        return note("No model is part of this run.")
    return table(
        "The models.",
        "In millions: parameters of both towers. COCO: whether the training data had images of "
        "COCO, from which the official test set is; not known, where nobody says so.",
        ["Model", "Geometry", "Parameters", "Training data", "COCO"],
        [
            [
                escape(model.label),
                escape(str(model.facts["geometry"])),
                _millions(model.facts["parameters"]),
                escape(model.facts["training"] or NOT_KNOWN),
                escape(model.facts["saw_coco"] or NOT_KNOWN),
            ]
            for model in shown
        ],
        "hc-facts",
    )


def _millions(parameters: int | None) -> str:
    if parameters is None:
        return NOT_KNOWN
    millions = parameters / 1e6
    return f"{millions:,.0f} M" if millions >= 10 else f"{millions:.1f} M"
