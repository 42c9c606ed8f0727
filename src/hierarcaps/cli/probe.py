"""``hierarcaps probe``."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hierarcaps.cli.output import show_json, show_table
from hierarcaps.models.entry import as_entry

if TYPE_CHECKING:
    import pandas as pd


def run_probe(
    model: str,
    test_set: tuple[Path, Path | None] | None,
    output: Path | None,
    device: str,
    batch_size: int,
    as_json: bool,
) -> None:
    """Measure a model and show every metric; ``test_set`` None is the official one."""
    entry = as_entry(model)
    from hierarcaps.data.official import find_test_set
    from hierarcaps.evaluation.probe import BASELINES

    test_set = test_set or find_test_set()
    table = measure(entry, test_set, output, device, batch_size)
    if as_json:
        hierarchies, images = (path and str(path) for path in test_set)
        content = {"model": model, "hierarchies": hierarchies, "images": images}
        show_json({**content, "metrics": table.to_dict("records")})
        return
    rows = [
        (
            row.task,
            row.metric,
            f"{row.value:.3f}",
            f"{row.low:.3f} to {row.high:.3f}",
            str(row.n),
            *("" if value != value else f"{value:.3f}" for value in row[7:]),
        )
        for row in table.itertuples()
    ]
    headings = ("task", "metric", "value", "95% interval", "n", *BASELINES.values())
    show_table(headings, rows, names=2)


def measure(
    entry: Mapping[str, Any],
    test_set: tuple[Path, Path | None],
    output: Path | None,
    device: str,
    batch_size: int,
) -> "pd.DataFrame":
    """Return the table of ``evaluation.probe``; the files go to ``output`` when all are there."""
    from hierarcaps.evaluation.probe import probe
    from hierarcaps.runtime.files import publish

    with TemporaryDirectory() as scratch:
        table = probe(entry, *test_set, scratch, device, batch_size)
        if output is not None:
            files = [path for path in Path(scratch).rglob("*") if path.is_file()]
            for folder in {path.parent for path in files}:
                own = [path for path in files if path.parent == folder]
                publish(own, output / folder.relative_to(scratch), last="*.json")
    return table
