"""``hierarcaps align``."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from hierarcaps.cli.compare import show_differences
from hierarcaps.cli.output import show_json, show_table
from hierarcaps.cli.probe import measure
from hierarcaps.models.entry import as_entry
from hierarcaps.runtime.errors import InputError

STATE = ".alignment-state"  # of an interrupted run, in the folder of its result
MEASURE_BATCH = 256


def run_align(
    model: str,
    data: Path,
    validation: Path | None,
    output: Path,
    recipe: Mapping[str, Any],
    seed: int,
    test_set: tuple[Path, Path] | None,
    device: str,
    as_json: bool,
) -> None:
    """Align a model, and show what it changed on held-out hierarchies and on a test set."""
    entry = as_entry(model)
    if output.exists() and any(_is_folder(name, output) for name in entry.values()):
        raise InputError(f"{output}: is the folder of the model itself, expected another")
    from hierarcaps.alignment.run import hold_out, load_alignable, read_items, write_aligned
    from hierarcaps.alignment.settings import AlignmentSettings

    AlignmentSettings.from_params(recipe)
    items = read_items(data, _test_images(test_set))
    if validation is None:
        training, held_out = hold_out(items, seed)
    else:
        training, held_out = items, read_items(validation, _test_images(test_set))
    negatives = all(item.negatives is not None for item in (*training, *held_out))
    settings = AlignmentSettings.from_params({**recipe, "negatives": negatives})
    encoder = load_alignable(entry, device=device)
    result = write_aligned(encoder, training, held_out, settings, seed, output, output / STATE)
    shutil.rmtree(output / STATE, ignore_errors=True)
    shown: dict[str, Any] = {
        "model": model, "folder": str(output), "objective": settings.objective,
        "negatives": negatives, "training": len(training), "validation": len(held_out),
        "steps": result.steps, "held_out": _before_and_after(result.curve, result.steps),
    }  # fmt: skip
    table = None
    if test_set is not None:
        table = _differences(entry, as_entry(str(output)), test_set, device)
    if as_json:
        differences = {} if table is None else {"differences": table.to_dict("records")}
        show_json(shown | differences)
        return
    typer.echo(
        f"{output}: aligned ({settings.objective}) in {result.steps} steps on {len(training)} "
        f"hierarchies{'' if negatives else ', which have no negatives'}"
    )
    rows = [
        (row["metric"], f"{row['before']:.4f}", f"{row['after']:.4f}") for row in shown["held_out"]
    ]
    show_table((f"on {len(held_out)} held out", "before", "after"), rows, names=1)
    if table is not None:
        show_differences(table, ("before", "after", "change"))


def _is_folder(name: Any, output: Path) -> bool:
    return isinstance(name, str) and Path(name).is_dir() and Path(name).samefile(output)


def _test_images(test_set: tuple[Path, Path] | None) -> list[str]:
    """Return the images that no training may have: the given test set's, and the official ones."""
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.official import known_test_images

    own = [] if test_set is None else read_hierarchies(test_set[0])
    return [*known_test_images(), *(item.image for item in own if item.image)]


def _before_and_after(curve: list[dict[str, Any]], steps: int) -> list[dict[str, Any]]:
    rows = [row for row in curve if row["split"] == "validation"]
    last = next(row for row in reversed(rows) if row["step"] == steps)
    return [
        {"metric": name, "before": rows[0][name], "after": last[name]}
        for name in rows[0]
        if name not in ("step", "split", "learning_rate")
    ]


def _differences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    test_set: tuple[Path, Path],
    device: str,
) -> Any:
    from hierarcaps.evaluation.compare import compare

    with TemporaryDirectory() as scratch:
        folders = [Path(scratch, name) for name in ("before", "after")]
        for entry, folder in zip((before, after), folders, strict=True):
            measure(entry, test_set, folder, device, MEASURE_BATCH)
        return compare(*folders)
