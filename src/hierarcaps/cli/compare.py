"""``hierarcaps compare``."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hierarcaps.cli.output import show_json, show_table
from hierarcaps.cli.probe import measure
from hierarcaps.models.entry import as_entry
from hierarcaps.runtime.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def run_compare(
    first: str,
    second: str,
    test_set: tuple[Path, Path] | None,
    device: str,
    batch_size: int,
    as_json: bool,
) -> None:
    """Show what differs between two results, two datasheets, or two models, measured first."""
    if any(_is_datasheet(each) for each in (first, second)):
        if test_set is not None:
            raise InputError("datasheets are compared as they are, expected no --images")
        from hierarcaps.report.dataset.yields import compare_yields

        _show(compare_yields(first, second), first, second, as_json, ("step", "share of rows"))
        return
    entries = [None if _has_results(each) else as_entry(each) for each in (first, second)]
    if test_set is not None and not any(entries):
        raise InputError("both are results already, expected no --images and --hierarchies")
    from hierarcaps.data.official import find_test_set
    from hierarcaps.evaluation.compare import compare

    with TemporaryDirectory() as scratch:
        folders = []
        for place, (name, entry) in enumerate(zip((first, second), entries, strict=True)):
            folders.append(Path(name))
            if entry is not None:
                test_set = test_set or find_test_set()
                folders[-1] = Path(scratch, str(place))
                measure(entry, test_set, folders[-1], device, batch_size)
        table = compare(*folders)
    _show(table, first, second, as_json)


def _show(
    table: "pd.DataFrame",
    first: str,
    second: str,
    as_json: bool,
    what: tuple[str, str] = ("task", "metric"),
) -> None:
    if as_json:
        show_json({"first": first, "second": second, "differences": table.to_dict("records")})
    else:
        show_differences(table, ("A", "B", "B - A"), what)


def show_differences(
    table: "pd.DataFrame", names: tuple[str, str, str], what: tuple[str, str] = ("task", "metric")
) -> None:
    """Show differences: ``names`` head the values and the difference, ``what`` their labels."""
    rows = [
        (
            row.task,
            row.metric,
            f"{row.first:.3f}",
            f"{row.second:.3f}",
            f"{row.difference:+.3f}",
            f"{row.low:+.3f} to {row.high:+.3f}",
        )
        for row in table.itertuples()
    ]
    show_table((*what, *names, "95% interval"), rows, names=2)


def _is_datasheet(name: str) -> bool:
    return name.endswith(".json")


def _has_results(name: str) -> bool:
    return next(Path(name).glob("**/ordering.json"), None) is not None
