"""``hierarcaps export``."""

from collections.abc import Sequence
from pathlib import Path

import typer

from hierarcaps.cli.output import show_json


def run_export(
    source: str,
    output: Path,
    results: Path | None,
    licence: str | None,
    datasets: Sequence[str],
    repository: str | None,
    as_json: bool,
) -> None:
    """Write the folder, upload it where a repository is named, and say where it is."""
    from hierarcaps.publishing.hub import push
    from hierarcaps.publishing.model_folder import export_model_folder

    exported = export_model_folder(
        source,
        output,
        results=results,
        licence=licence,
        datasets=datasets,
        repository=repository,
    )
    said = f"{exported.model_class or 'a model'}, loaded by {', '.join(exported.libraries)}"
    address = push(output, repository, "model") if repository else None
    if as_json:
        files = sorted(str(path.relative_to(output)) for path in output.rglob("*"))
        show_json({"folder": str(output), "said": said, "files": files, "pushed": address})
        return
    typer.echo(f"{output}: {said}")
    if address:
        typer.echo(address)
