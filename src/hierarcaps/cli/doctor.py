"""``hierarcaps doctor``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from hierarcaps.cli.checks import (
    check_data,
    check_device,
    check_disk,
    check_hub,
    check_mirror,
    check_packages,
    is_missing,
)
from hierarcaps.cli.output import show_json, show_table


def run_doctor(configs: Sequence[Path], directory: Path, as_json: bool) -> None:
    """Show what is there and what is missing; exit with 1 where it is needed."""
    checks = [*check_packages(["workflow"] if configs else []), check_device()]
    if not is_missing(checks):  # what follows needs the packages
        checks += [check_hub(), *check_mirror(), check_data()]
        if configs:
            from hierarcaps.cli.study import check_study

            checks += check_study(configs, directory)
        else:
            checks.append(check_disk(directory))
    if as_json:
        show_json({"missing": is_missing(checks), "checks": [asdict(each) for each in checks]})
    else:
        rows = [(each.status, each.subject, each.finding) for each in checks]
        show_table(("", "what", "found"), rows, names=3, sentences=True)
    if is_missing(checks):
        raise typer.Exit(1)
