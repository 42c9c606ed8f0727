"""``hierarcaps generate`` and ``filter``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierarcaps.cli.output import show_json, show_table


def run_generate(
    captions: Path,
    llm: Mapping[str, Any],
    nli: str,
    output: Path,
    settings: Mapping[str, Any],
    hierarchy_model: str | None,
    thresholds: Mapping[str, float],
    as_json: bool,
) -> None:
    """Write hierarchies of captions, and show what became of each."""
    from hierarcaps.generation.own_data import generate

    counts = generate(captions, llm, nli, output, settings, thresholds, hierarchy_model)
    _show(output, counts, as_json)


def run_filter(
    hierarchies: Path,
    nli: str,
    output: Path,
    thresholds: Mapping[str, float],
    device: str,
    as_json: bool,
) -> None:
    """Write the hierarchies that an NLI model believes, and show why others did not pass."""
    from hierarcaps.generation.own_data import filter_hierarchies

    _show(output, filter_hierarchies(hierarchies, nli, output, thresholds, device), as_json)


def _show(output: Path, counts: Mapping[str, int], as_json: bool) -> None:
    from hierarcaps.generation.own_data import rejects_path

    if as_json:
        files = {"file": str(output), "rejects": str(rejects_path(output))}
        show_json({**files, "counts": counts})
    else:
        show_table(("", "rows"), [(name, str(n)) for name, n in counts.items() if n], names=1)
