"""``hierarcaps evaluate``."""

from collections.abc import Sequence
from pathlib import Path

from hierarcaps.cli.output import show_json, show_table
from hierarcaps.models.entry import as_entry


def run_evaluate(
    model: str,
    task: str,
    data: Path,
    images: Path | None,
    templates: Sequence[str],
    superclasses: Path | None,
    device: str,
    batch_size: int,
    as_json: bool,
) -> None:
    """Measure a model on one task and a user's own data."""
    entry = as_entry(model)
    from hierarcaps.evaluation.own_data import evaluate_task
    from hierarcaps.evaluation.tasks.own import own_task

    question = own_task(task, data, images, templates, superclasses)
    table = evaluate_task(entry, question, device, batch_size)
    if as_json:
        show_json(
            {
                "model": model, "task": task, "data": str(data),
                "about": dict(question.provenance([])), "metrics": table.to_dict("records"),
            }
        )  # fmt: skip
        return
    rows = [
        (row.metric, f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}", str(row.n))
        for row in table.itertuples()
    ]
    show_table(("metric", "value", "95% interval", "n"), rows, names=1)
